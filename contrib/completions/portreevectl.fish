# Completion of portreevectl for fish.

set -l commands list show kick status explain check reload drain watch log-level
set -l no_command "not __fish_seen_subcommand_from $commands"

complete -c portreevectl -f
complete -c portreevectl -l socket -r -F -d 'the control socket'
complete -c portreevectl -l json -d 'the answer as JSON'
complete -c portreevectl -l help -d 'print the usage'
complete -c portreevectl -l version -d 'print the version'
complete -c portreevectl -n $no_command -a list -d 'all tunnels'
complete -c portreevectl -n $no_command -a show -d 'those called NAME, in detail'
complete -c portreevectl -n $no_command -a kick -d 'end them, and their sessions'
complete -c portreevectl -n $no_command -a status -d 'how the daemon is'
complete -c portreevectl -n $no_command -a explain -d 'would a key be granted a forward'
complete -c portreevectl -n $no_command -a check -d 'read the configuration, change nothing'
complete -c portreevectl -n $no_command -a reload -d 'read the configuration and use it'
complete -c portreevectl -n $no_command -a drain -d 'stop the daemon'
complete -c portreevectl -n $no_command -a watch -d 'what happens, as it happens'
complete -c portreevectl -n $no_command -a log-level -d 'show or set the levels of the log'
complete -c portreevectl -n '__fish_seen_subcommand_from show kick' \
    -a "(portreevectl list 2>/dev/null | awk 'NR > 1 { print \$1 }')"
complete -c portreevectl -n '__fish_seen_subcommand_from log-level' -a 'error warning info debug'
complete -c portreevectl -n '__fish_seen_subcommand_from explain' -l key -r -F -d 'the public key'
complete -c portreevectl -n '__fish_seen_subcommand_from explain' -l listen -x -d 'what is asked for'
complete -c portreevectl -n '__fish_seen_subcommand_from explain' -l user -x -d 'the login name'
complete -c portreevectl -n '__fish_seen_subcommand_from explain' -l from -x \
    -d 'where the client comes from'
