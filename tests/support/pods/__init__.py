"""Images by buildah and pods by podman, as a cluster would run them: as root on Linux alone."""
