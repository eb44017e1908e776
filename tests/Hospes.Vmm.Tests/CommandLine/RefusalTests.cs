namespace Hospes.Vmm.Tests.CommandLine;

/// <summary>What a domain here does not do is refused by name, and what it does anyway may be asked for.</summary>
public sealed class RefusalTests
{
    [Theory]
    [InlineData("-rtc base=now", "-rtc base=now: invalid datetime format\nvalid formats: '2006-06-17T16:01:21' or '2006-06-17'")]
    [InlineData("-rtc clock=vm", "-rtc clock=vm: Parameter 'clock' is supported with the value 'host' only, not with 'vm'")]
    [InlineData("-usb", "-usb: not supported by this program, see docs/qemu.md")]
    [InlineData("-incoming tcp:0:4444", "-incoming: not supported by this program, see docs/qemu.md")]
    [InlineData("disk.img", "disk.img: a disk image without an option is not supported; use -drive if=virtio,file=")]
    [InlineData("-m 128M -object memory-backend-ram,id=r,size=64M -machine memory-backend=r", "Size specified by -m option must match size of explicitly specified 'memory-backend' property")]
    [InlineData("-object rng-builtin,id=r -machine memory-backend=r", "Invalid parameter type for 'memdev', expected: memory-backend")]
    [InlineData("-object memory-backend-memfd,id=r,size=3M,hugetlb=on", "-object memory-backend-memfd,id=r,size=3M,hugetlb=on: size (0x300000) is no multiple of 'hugetlbsize' (0x200000)")]
    [InlineData("-object memory-backend-memfd,id=r,size=4M,hugetlb=on,hugetlbsize=4M", "-object memory-backend-memfd,id=r,size=4M,hugetlb=on,hugetlbsize=4M: Parameter 'hugetlbsize' is supported with the value '2M' or '1G' only")]
    [InlineData("-object memory-backend-ram,id=r,size=4M,prealloc=on", "-object memory-backend-ram,id=r,size=4M,prealloc=on: Parameter 'prealloc' is supported with the value 'off' only, not with 'on'")]
    [InlineData("-object memory-backend-ram,id=r,size=5000", "-object memory-backend-ram,id=r,size=5000: size (0x1388) is no multiple of the host's page size (0x1000)")]
    [InlineData("-m 1G,maxmem=2G -object memory-backend-memfd,id=r,size=1G,hugetlb=on,hugetlbsize=1G -device virtio-mem-pci,memdev=r", "-device virtio-mem-pci,memdev=r: 'block-size' property has to be at least the page size of 'r'")]
    [InlineData("-m 1G,maxmem=2G -object memory-backend-ram,id=r,size=64M -device virtio-mem-pci,memdev=r,requested-size=66M", "-device virtio-mem-pci,memdev=r,requested-size=66M: 'requested-size' property exceeds the memory backend size(0x4000000)")]
    [InlineData("-m 4G,slots=2", "-m 4G,slots=2: slots specified but no max-size")]
    [InlineData("-m 4G,maxmem=2G", "-m 4G,maxmem=2G: invalid value of maxmem: maximum memory size (0x80000000) must be at least the initial memory size (0x100000000)")]
    [InlineData("-m 4G,slots=2,maxmem=4G", "-m 4G,slots=2,maxmem=4G: invalid value of maxmem: memory slots were specified but maximum memory size (0x100000000) is equal to the initial memory size (0x100000000)")]
    [InlineData("-smp 300", "-smp 300: Invalid SMP CPUs 300. The max CPUs supported by machine 'xenpvh' is 255")]
    [InlineData("-accel tcg", "-accel tcg: invalid accelerator tcg")]
    [InlineData("-machine xenpvh,accel=tcg", "-machine xenpvh,accel=tcg: invalid accelerator tcg")]
    [InlineData("-machine xenpvh,foo=1", "-machine xenpvh,foo=1: Property 'xenpvh-machine.foo' not found")]
    [InlineData("-machine xenpvh,usb=on", "-machine xenpvh,usb=on: Parameter 'usb' is supported with the value 'off' only, not with 'on'")]
    [InlineData("-device virtio-net-pci,netdev=no", "-device virtio-net-pci,netdev=no: Property 'virtio-net-pci.netdev' can't find value 'no'")]
    [InlineData("-device virtio-fs-pci,tag=a", "-device virtio-fs-pci,tag=a: path property not set")]
    [InlineData("-device virtio-fs-pci,path=a", "-device virtio-fs-pci,path=a: tag property not set")]
    [InlineData("-device virtio-fs-pci,path=a,tag=0123456789012345678901234567890123456", "-device virtio-fs-pci,path=a,tag=0123456789012345678901234567890123456: tag property must be 36 bytes or less")]
    [InlineData("-device virtio-net-pci", "-device virtio-net-pci: netdev property not set")]
    [InlineData("-netdev user,id=a -device virtio-net-pci,netdev=a,mac=zz", "-device virtio-net-pci,netdev=a,mac=zz: Property 'virtio-net-pci.mac' doesn't take value 'zz'")]
    [InlineData("-netdev user,id=a -device virtio-net-pci,netdev=a -device virtio-net-pci,netdev=a", "-device virtio-net-pci,netdev=a: Property 'virtio-net-pci.netdev' can't take value 'a', it's in use")]
    [InlineData("-netdev user,id=a -device virtio-net-pci,netdev=a,packed=off", "-device virtio-net-pci,netdev=a,packed=off: Parameter 'packed' is supported with the value 'on' only, not with 'off'")]
    [InlineData("-netdev user,id=a -device virtio-net-pci,netdev=a,addr=0x5", "-device virtio-net-pci,netdev=a,addr=0x5: Parameter 'addr' is supported with the value '1' or '0x1' or '01' or '1' or '1.0' or '01.0' or '0x1.0' or '0x01' only, not with '0x5'")]
    [InlineData("-netdev user,id=a -device virtio-net-pci,netdev=a,throttling.iops-read-max=5", "-device virtio-net-pci,netdev=a,throttling.iops-read-max=5: bps_max/iops_max require corresponding bps/iops values")]
    [InlineData("-device scsi-cd", "-device scsi-cd: No 'SCSI' bus found for device 'scsi-cd'")]
    [InlineData("-device virtio-scsi-pci,id=s -device scsi-cd,bus=t.0", "-device scsi-cd,bus=t.0: Bus 't.0' not found")]
    [InlineData("-device virtio-scsi-pci -device scsi-hd", "-device scsi-hd: drive property not set")]
    [InlineData("-device virtio-scsi-pci -device scsi-hd,drive=x", "-device scsi-hd,drive=x: Property 'scsi-hd.drive' can't find value 'x'")]
    [InlineData("-drive if=none,id=x,media=cdrom -device virtio-scsi-pci -device scsi-hd,drive=x", "-device scsi-hd,drive=x: Device needs media, but drive is empty")]
    [InlineData("-drive if=none,id=x,media=cdrom -device virtio-blk-pci,drive=x", "-device virtio-blk-pci,drive=x: Device needs media, but drive is empty")]
    [InlineData("-device virtio-scsi-pci -device scsi-cd,id=a -device scsi-cd,scsi-id=0", "-device scsi-cd,scsi-id=0: lun already used by 'a'")]
    [InlineData("-device virtio-scsi-pci -device scsi-cd,scsi-id=256", "-device scsi-cd,scsi-id=256: Parameter 'scsi-id' expects a number from 0 to 255")]
    [InlineData("-device virtio-scsi-pci -device scsi-cd,channel=1", "-device scsi-cd,channel=1: Parameter 'channel' is supported with the value '0' only, not with '1'")]
    [InlineData("-drive media=tape,file=a", "-drive media=tape,file=a: Parameter 'media' does not accept value 'tape'")]
    [InlineData("-cdrom a -cdrom b", "-cdrom b: Duplicate ID 'cd0' for drive")]
    [InlineData("-netdev user,id=a,hostfwd=tcp::x-:22", "-netdev user,id=a,hostfwd=tcp::x-:22: Invalid host forwarding rule 'tcp::x-:22'")]
    [InlineData("-netdev user,id=a,net=10.0.0.0/8", "-netdev user,id=a,net=10.0.0.0/8: Parameter 'net' is not supported")]
    [InlineData("-netdev tap,id=a,ifname=t,script=/etc/qemu-ifup", "-netdev tap,id=a,ifname=t,script=/etc/qemu-ifup: Parameter 'script' is supported with the value 'no' or '' only, not with '/etc/qemu-ifup'")]
    [InlineData("-netdev vde,id=a", "-netdev vde,id=a: Parameter 'type' does not accept value 'vde'")]
    [InlineData("-netdev socket,id=a,mcast=230.0.0.1:1234", "-netdev socket,id=a,mcast=230.0.0.1:1234: Parameter 'mcast' is not supported")]
    [InlineData("-netdev dgram,id=a,local.type=inet,local.host=127.0.0.1,local.port=7000", "-netdev dgram,id=a,local.type=inet,local.host=127.0.0.1,local.port=7000: Parameter 'remote' is missing")]
    [InlineData("-drive if=virtio,file=x,cache=none", "-drive if=virtio,file=x,cache=none: Parameter 'cache' is supported with the value 'writeback' only, not with 'none'")]
    [InlineData("-drive if=ide,file=x", "-drive if=ide,file=x: bus type 'ide' is not supported by this machine")]
    [InlineData("-drive id=d,if=none,file=x -device virtio-blk-pci,drive=d -device virtio-blk-pci,drive=d", "-device virtio-blk-pci,drive=d: Drive 'd' is already in use by another device")]
    [InlineData("-drive id=d,if=none,file=x -device virtio-blk-pci,drive=d,serial=123456789012345678901", "-device virtio-blk-pci,drive=d,serial=123456789012345678901: Property 'virtio-blk-pci.serial' doesn't take value '123456789012345678901'")]
    [InlineData("-blockdev file,node-name=f,filename=x -blockdev raw,node-name=a,file=f -blockdev raw,node-name=b,file=f", "-blockdev raw,node-name=b,file=f: Node 'f' is already in use by another node")]
    [InlineData("-blockdev qcow2,node-name=a,file.driver=file,file.filename=x,backing=b", "-blockdev qcow2,node-name=a,file.driver=file,file.filename=x,backing=b: Parameter 'backing' is not supported")]
    [InlineData("-chardev socket,id=a,path=x,wait=on", "-chardev socket,id=a,path=x,wait=on: 'wait' option is incompatible with socket in client connect mode")]
    [InlineData("-chardev socket,id=a,path=x,server=on,reconnect=1", "-chardev socket,id=a,path=x,server=on,reconnect=1: 'reconnect' option is incompatible with socket in server listen mode")]
    [InlineData("-chardev socket,id=a,path=x,telnet=on", "-chardev socket,id=a,path=x,telnet=on: Parameter 'telnet' is supported with the value 'off' only, not with 'on'")]
    [InlineData("-serial foo", "-serial foo: 'foo' is not a valid char driver")]
    [InlineData("-serial stdio -serial null", "-serial null: the machine has one serial port")]
    [InlineData("-serial chardev:zz", "-serial chardev:zz: Chardev 'zz' not found")]
    [InlineData("-device virtio-serial-pci -device virtserialport,nr=0", "-device virtserialport,nr=0: virtio-serial-bus: Port number 0 on virtio-serial devices reserved for virtconsole devices for backward compatibility.")]
    [InlineData("-device virtio-serial-pci,max_ports=2 -device virtserialport,nr=2", "-device virtserialport,nr=2: virtio-serial-bus: Out-of-range port id specified, max. allowed: 1")]
    [InlineData("-device virtio-serial-pci -device virtconsole,bus=zz.0", "-device virtconsole,bus=zz.0: Bus 'zz.0' not found")]
    [InlineData("-object memory-backend-file,id=a", "-object memory-backend-file,id=a: Parameter 'qom-type' does not accept value 'memory-backend-file'")]
    [InlineData("-object rng-random,id=a,filename=/dev/hwrng", "-object rng-random,id=a,filename=/dev/hwrng: Parameter 'filename' is supported with the value '/dev/urandom' or '/dev/random' only, not with '/dev/hwrng'")]
    [InlineData("-cpu max,foo=3", "-cpu max,foo=3: Property 'max-x86_64-cpu.foo' is supported with the values 'on' and 'off' only")]
    [InlineData("-vnc x", "-vnc x: 'x' is not supported: give HOST:DISPLAY, unix:PATH or none")]
    [InlineData("-vnc :1,password=maybe", "-vnc :1,password=maybe: Parameter 'password' expects 'on' or 'off'")]
    [InlineData("-watchdog-action bark", "-watchdog-action bark: Unknown -watchdog-action parameter")]
    [InlineData("-device virtio-gpu-pci,max_outputs=17", "-device virtio-gpu-pci,max_outputs=17: Parameter 'max_outputs' expects a number from 1 to 16")]
    public void ItIsNamed(string line, string message) => Assert.Equal(message, Parsing.Bad(Parsing.Split(line)));

    [Fact]
    public void MistakesInJsonAreNamed()
    {
        Parsing.Bad("-blockdev", "{\"driver\":").ShouldStartWith("-blockdev {\"driver\":: JSON parse error, ");
        Parsing.Bad("-blockdev", "{\"driver\":null}").ShouldBe("-blockdev {\"driver\":null}: Invalid parameter type for 'driver', expected: string");
    }

    [Theory]
    [InlineData("-nodefaults -no-user-config -no-hpet -no-fd-bootchk -vga none -net none -nic none -parallel none -monitor none -serial none")]
    [InlineData("-machine type=xenpvh,usb=off,mem-merge=off,dump-guest-core=on,graphics=off -name g,debug-threads=on -action watchdog=none")]
    [InlineData("-netdev user,id=a,restrict=off,ipv6=on -device virtio-net-pci,netdev=a,disable-legacy=on,disable-modern=off,bus=pcie.0,addr=0x1,romfile=,bootindex=1")]
    public void WhatIsTheCaseAnywayIsAccepted(string line) => Parsing.Good(Parsing.Split(line)).Warnings.ShouldBeEmpty();

    [Fact]
    public void WhatHasNoEffectIsTold() =>
        Parsing.Good("-name", "g,process=p,debug-threads=off", "-netdev", "user,id=a").Warnings
            .ShouldBe(["-name process= has no effect", "-name debug-threads=off has no effect", "netdev a has no peer"]);
}
