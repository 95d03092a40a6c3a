# SPDX-License-Identifier: MIT
# Completion for vfiosim, in fish. The program itself says what may come: see
# cli_complete() in harness/cli.h.

function __vfiosim_complete
    set -l words (commandline --tokenize --cut-at-cursor)[2..-1] (commandline --current-token --cut-at-cursor)
    for line in (vfiosim complete (count $words) $words 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path $words[-1]
            case ':command *'
                # A command of its own, whose first word is this one of ours, from 0.
                set -l first (math 1 + (string split ' ' -- $line)[2])
                set -l before
                if test $first -lt (count $words)
                    set before (string escape -- $words[$first..-2])
                end
                complete --do-complete=(string join ' ' -- $before $words[-1])
            case '*'
                echo $line
        end
    end
end

complete --command vfiosim --no-files --keep-order --arguments '(__vfiosim_complete)'
