# SPDX-License-Identifier: GPL-2.0-only
"""Where the tool keeps its pins: a directory `netns-COOKIE` per network namespace below the pin root."""
import os

_OF_INIT = "/proc/1/root/sys/fs/bpf"


def root():
    """The pin root: what process 1 sees outlasts everybody's mounts, but a sandbox may hide it."""
    return os.environ.get("IPFW_BPF_PIN_ROOT") or os.path.join(
        _OF_INIT if os.access(_OF_INIT, os.X_OK) else "/sys/fs/bpf", "ipfw")


def directory(cookie):
    """The pin directory of the namespace with this cookie."""
    return os.path.join(root(), f"netns-{cookie}")


def namespaces():
    """Cookies of the namespaces that have pins."""
    try:
        return {int(name[6:]) for name in os.listdir(root()) if name.startswith("netns-")}
    except FileNotFoundError:
        return set()


def files(cookie):
    """Paths of all pins of a namespace."""
    return sorted(os.path.join(place, name) for place, _, names in os.walk(directory(cookie)) for name in names)
