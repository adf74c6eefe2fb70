# Completion of `podkeeper` in bash; for zsh: autoload -U +X bashcompinit && bashcompinit, then source this.
_podkeeper() {
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="status doctor logs url restart start stop tail models completion help"
    else
        case $command in
            status) words="--json --watch jupyter comfyui gateway status" ;;
            doctor) words="--json --bundle" ;;
            logs) words="-f -n pod jupyter comfyui gateway status volumes models prober" ;;
            url) words="jupyter comfyui status" ;;
            restart | start | stop) words="jupyter comfyui gateway status models volumes all" ;;
            tail) words="-f jupyter comfyui status" ;;
            models) words="list plan fetch verify add rm" ;;
        esac
    fi
    if [ "${COMP_WORDS[COMP_CWORD - 1]}" = --bundle ]; then
        # shellcheck disable=SC2207 # mapfile is not in zsh
        COMPREPLY=($(compgen -f -- "$word"))
        return
    fi
    # shellcheck disable=SC2207
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _podkeeper podkeeper
