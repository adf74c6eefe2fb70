# /etc/profile resets PATH: without this a login shell (bash -l, su -, tmux) has neither jupyter nor this environment's pip.
case ":$PATH:" in
    *:/opt/podkeeper/env/bin:*) ;;
    *) PATH=/opt/podkeeper/env/bin:$PATH ;;
esac
