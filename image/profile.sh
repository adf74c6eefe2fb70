# /etc/profile replaces PATH: a login shell (ssh, tmux, bash -l, su -) would have neither jupyter nor this environment's
# pip, nor what the image or the user has added. In the pod's own shells PODKEEPER_PATH has it all.
case ":${PODKEEPER_PATH:-}:" in
    *:/opt/podkeeper/env/bin:*) PATH=$PODKEEPER_PATH ;;
    *) PATH=/opt/podkeeper/env/bin:$PATH ;;
esac
