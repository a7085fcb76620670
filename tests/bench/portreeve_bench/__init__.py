"""The benchmark that `tests/bench/run` starts. docs/BENCH.md says what it measures and how.

    cli         options, the turns, the end
    figures     what is measured: one function for each figure
    gates       what is measured on: portreeved and OpenSSH's sshd behind one interface
    load        the load makers and the stock ssh client
    accounting  CPU time and memory of a gate's processes, from /proc
    process     starting, awaiting and ending the processes of all of the above
    report      machine facts, the table, the JSON
    profile     `tests/bench/profile`: one figure under perf
"""
