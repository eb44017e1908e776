#!/bin/sh
# The first process of a guest inside the nested guest: its disk is mounted and written, and it serves or fetches a page over its wire.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
processors=$(grep -c ^processor /proc/cpuinfo)
echo "INNER processors $processors"
# Twice: which of virtio and virtio_ring needs the other depends on the kernel.
for pass in 1 2; do
  for name in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk failover net_failover virtio_net; do insmod /modules/$name.ko 2>/dev/null; done
done

mkdir -p /mnt /page
mount -t ext4 /dev/vda /mnt && dd if=/dev/urandom of=/mnt/noise bs=64k count=16 2>/dev/null
sum=$(sha256sum </mnt/noise)
echo "written by a guest with $processors processors" >/mnt/words
sync
echo 3 >/proc/sys/vm/drop_caches
[ "$(sha256sum </mnt/noise)" = "$sum" ] && echo "INNER disk $processors read back"
umount /mnt

ip link set eth0 up
ip address add 10.0.0.$processors/24 dev eth0
if [ "$processors" = 1 ]; then
  mkdir -p /page/cgi-bin
  dd if=/dev/urandom of=/page/noise bs=64k count=16 2>/dev/null
  sha256sum </page/noise >/page/sum
  printf '#!/bin/sh\n: >/heard\nprintf "Content-Type: text/plain\\n\\nheard\\n"\n' >/page/cgi-bin/heard
  chmod +x /page/cgi-bin/heard
  httpd -h /page
  # Until the other says that it has all of the page, and a little longer for the answer to leave.
  for try in $(seq 300); do
    [ -e /heard ] && break
    sleep 1
  done
  [ -e /heard ] && echo "INNER network 1 heard of it"
  sleep 2
else
  for try in $(seq 100); do
    wget -q -O /noise http://10.0.0.1/noise 2>/dev/null && wget -q -O /sum http://10.0.0.1/sum && break
    sleep 1
  done
  [ "$(sha256sum </noise)" = "$(cat /sum)" ] && echo "INNER network 2 page fetched"
  for try in $(seq 10); do
    wget -q -O /answer http://10.0.0.1/cgi-bin/heard && grep -q heard /answer && break
    sleep 1
  done
fi
grep -c 'MSI.*virtio' /proc/interrupts | sed 's/^/INNER messages /'
poweroff -f
