# shellcheck shell=bash
# Completion of portreevectl for bash.

_portreevectl() {
    local commands="list show kick status explain check reload drain watch log-level"
    local levels="error warning info debug"
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command="" socket=() index name
    COMPREPLY=()
    for ((index = 1; index < COMP_CWORD; ++index)); do
        case ${COMP_WORDS[index]} in
            --socket)
                socket=(--socket "${COMP_WORDS[index + 1]-}")
                ((++index))
                ;;
            --key | --listen | --user | --from) ((++index)) ;;
            -*) ;;
            *) [[ -n $command ]] || command=${COMP_WORDS[index]} ;;
        esac
    done
    case $previous in
        --socket | --key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
        --listen | --user | --from) return ;;
    esac
    case $command:$word in
        explain:-*) mapfile -t COMPREPLY < <(compgen -W "--key --listen --user --from --json" -- "$word") ;;
        *:-*) mapfile -t COMPREPLY < <(compgen -W "--socket --json --help --version" -- "$word") ;;
        :*) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word") ;;
        show:* | kick:*)
            # Clients choose these names, and compgen -W would run what is in them.
            while read -r name _; do
                [[ $name != "$word"* ]] || COMPREPLY+=("$(printf '%q' "$name")")
            done < <(portreevectl "${socket[@]}" list 2>/dev/null | tail -n +2)
            ;;
        log-level:*) mapfile -t COMPREPLY < <(compgen -W "$levels" -- "$word") ;;
    esac
}

complete -F _portreevectl portreevectl
