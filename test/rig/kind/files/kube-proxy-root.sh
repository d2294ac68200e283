#!/bin/bash
# kube-proxy-root.sh ROOTFS TARGET: the programs that kube-proxy calls, with every library of theirs and all of xtables'
# extensions. One missing extension and Services silently stop being updated.
set -euo pipefail
root=$1 target=$2
rm -rf "$target"
mkdir -p "$target"/usr/sbin "$target"/usr/bin "$target"/usr/lib "$target"/etc "$target"/run "$target"/tmp
for link in bin sbin lib lib64; do [ ! -L "$root/$link" ] || cp -a "$root/$link" "$target/$link"; done
mkdir -p "$target/usr/lib64"
programs=(/usr/sbin/xtables-nft-multi /usr/sbin/conntrack /usr/bin/kmod)
extensions=$(cd "$root" && ls -d usr/lib/*/xtables)
mkdir -p "$target/$(dirname "$extensions")"
cp -a "$root/$extensions" "$target/$extensions"
for program in "${programs[@]}"; do cp -a "$root$program" "$target$program"; done
{
  for program in "${programs[@]}"; do chroot "$root" ldd "$program"; done
  for extension in "$root/$extensions"/*.so; do chroot "$root" ldd "${extension#"$root"}"; done
} | grep -oE '/[^ ]+\.so[^ ]*' | sort -u | while read -r library; do
  case "$library" in /usr/*) ;; *) library=/usr$library ;; esac
  mkdir -p "$target$(dirname "$library")"
  cp -L "$root$library" "$target$library"
done
for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  ln -s xtables-nft-multi "$target/usr/sbin/$name"
done
ln -s ../bin/kmod "$target/usr/sbin/modprobe"
cp -a "$root/etc/protocols" "$root/etc/services" "$target/etc/" 2> /dev/null || true
install -m755 "$root/bin/busybox" "$target/usr/bin/busybox"
ln -s busybox "$target/usr/bin/sh"
chroot "$target" /usr/sbin/iptables --version
