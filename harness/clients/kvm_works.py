# SPDX-License-Identifier: MIT
"""Can this user make a virtual machine with KVM? Exits 0, or 1 after saying why not."""

import fcntl
import os
import sys

KVM_GET_API_VERSION = 0xAE00
KVM_CREATE_VM = 0xAE01


def main():
    """Makes one and lets it go."""
    try:
        kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
        version = fcntl.ioctl(kvm, KVM_GET_API_VERSION)
        if version != 12:
            sys.exit(f"/dev/kvm has version {version}")
        os.close(fcntl.ioctl(kvm, KVM_CREATE_VM, 0))
    except OSError as error:
        sys.exit(f"/dev/kvm: {error.strerror}")


if __name__ == "__main__":
    main()
