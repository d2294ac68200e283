#!/bin/bash
# node-rootfs.sh ROOTFS KIND-BASE-FILES RIG-FILES: what the Dockerfile of kind's base image does, on a Debian tree.
# KIND-BASE-FILES is images/base/files of kind's own Go module.
set -euo pipefail
root=$1 kind=$2 rig=$3
# Units that make no sense in a container, as kind takes them away.
rm -f "$root"/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service \
  "$root"/lib/systemd/system/multi-user.target.wants/* "$root"/etc/systemd/system/*.wants/* \
  "$root"/lib/systemd/system/local-fs.target.wants/* "$root"/lib/systemd/system/sockets.target.wants/*udev* \
  "$root"/lib/systemd/system/sockets.target.wants/*initctl* "$root"/lib/systemd/system/basic.target.wants/*
grep -q ReadKMsg=no "$root/etc/systemd/journald.conf" || echo ReadKMsg=no >> "$root/etc/systemd/journald.conf"
ln -sf /usr/lib/systemd/systemd "$root/sbin/init"

mkdir -p "$root"/kind/bin "$root"/kind/manifests "$root"/etc/containerd "$root"/etc/systemd/system/kubelet.service.d \
  "$root"/opt/cni "$root"/etc/kubernetes/manifests "$root"/etc/cni/net.d "$root"/LICENSES
install -m755 "$kind/usr/local/bin/entrypoint" "$root/usr/local/bin/entrypoint"
install -m755 "$kind"/kind/bin/* "$root/kind/bin/"
install -m644 "$kind/etc/crictl.yaml" "$root/etc/"
install -m644 "$kind/etc/default/kubelet" "$root/etc/default/kubelet"
install -m644 "$kind"/etc/sysctl.d/* "$root/etc/sysctl.d/"
install -m644 "$kind"/etc/systemd/system/*.service "$kind"/etc/systemd/system/*.slice "$root/etc/systemd/system/"
install -m644 "$kind"/etc/systemd/system/kubelet.service.d/* "$root/etc/systemd/system/kubelet.service.d/"
# No fuse-overlayfs here: neither its unit nor its plugin. Without CAP_SYS_RESOURCE no OOM score can be lowered.
rm -f "$root/etc/systemd/system/containerd-fuse-overlayfs.service"
sed 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' "$kind/etc/containerd/config.toml" |
  awk '/^\[proxy_plugins/ { skip = 1 } /^\[plugins/ { skip = 0 } !skip' > "$root/etc/containerd/config.toml"

ln -sf /usr/bin/containerd "$root/usr/local/bin/containerd"
install -m755 "$rig/ctr" "$rig/crictl" "$root/usr/local/bin/"
rm -rf "$root/opt/cni/bin"
ln -sfn /usr/lib/cni "$root/opt/cni/bin"
for unit in kubelet containerd undo-mount-hacks; do chroot "$root" systemctl enable "$unit.service"; done
chroot "$root" systemctl mask systemd-binfmt.service
chroot "$root" /usr/bin/ctr oci spec |
  jq '.hooks.createContainer += [{path: "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' \
    > "$root/etc/containerd/cri-base.json"
