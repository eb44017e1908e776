using System.CommandLine;
using Hospes.Cli.CommandLine;
using Hospes.Machine;
using Hospes.Vmm;

namespace Hospes.Cli.Vmm;

/// <summary>The manual page of <c>hospes vmm</c>. Its options are listed here for people; <see cref="Hospes.Vmm.CommandLine.CommandLineParser"/> reads them.</summary>
internal static class VmmManual
{
    private static readonly (string Name, string? Argument, string Does)[] s_options =
    [
        ("-machine", "[type=]xenpvh[,PROPERTY=VALUE…]", $"The machine, which is xenpvh in any case; -M is the same. Properties: accel=, kernel=, initrd=, append=, and the address windows {string.Join(", ", MachineProperties.Names)}, in bytes."),
        ("-accel", "NAME[,SETTING=VALUE…]", $"What executes the guest: {string.Join(", ", EngineChoice.Names)}. Given again, or as accel=A:B of the machine, each is tried in turn."),
        ("-cpu", "MODEL[,FEATURE=off…]", "The processor model."),
        ("-smp", "[cpus=]N[,maxcpus=N][,sockets=N][,cores=N][,threads=N]", "How many virtual processors; 1 when absent. maxcpus: how many there may be once further ones were plugged in."),
        ("-m", "[size=]SIZE", "The guest's memory; a bare number is in MiB. 128M when absent."),
        ("-kernel", "FILE", "The kernel: bzImage, ELF or Multiboot 1."),
        ("-initrd", "FILE", "The initial RAM disk."),
        ("-append", "TEXT", "The kernel's command line."),
        ("-device", "MODEL[,PROPERTY=VALUE…]", "A device: virtio-net-pci, virtio-blk-pci, virtio-rng-pci, virtio-serial-pci with virtconsole and virtserialport. pcie-root-port, virtio-balloon-pci, virtio-vsock-pci, virtio-fs-pci, virtio-gpu-pci, virtio-keyboard-pci, virtio-tablet-pci, i6300esb; -device help and -device MODEL,help list more."),
        ("-netdev", "TYPE,id=ID[,…]", "What a network card is connected to: user[,hostfwd=RULE…] (through passt), tap,ifname=NAME, stream and dgram with addresses (addr.type=unix,addr.path=…), or socket,listen=|connect=|udp=."),
        ("-drive", "file=FILE[,format=FORMAT][,if=none|virtio][,id=ID][,readonly=on]", "A disk image; with if=virtio it gets a device too. With media=cdrom it is a disc for a scsi-cd, without file an empty drive."),
        ("-cdrom", "FILE", "A disc in a drive of its own: virtio-scsi-pci with a scsi-cd."),
        ("-blockdev", "DRIVER,node-name=NAME[,…]", "A block node: file, raw or qcow2; a format names the node below as file=NAME or describes it as file.driver=file,file.filename=…; JSON is taken too."),
        ("-object", "rng-random|rng-builtin,id=ID", "A source of entropy for virtio-rng-pci."),
        ("-chardev", "BACKEND,id=ID[,mux=on][,…]", "A character device: socket (path= or host= and port=, server=, wait=, reconnect=), stdio, pty, file,path=, null, ringbuf."),
        ("-mon", "[chardev=]ID[,mode=control|readline]", "A monitor on a character device: QMP, or lines for people."),
        ("-qmp, -monitor", "DEVICE", "The same in short; DEVICE is stdio, pty, unix:PATH[,server=on,wait=off], tcp:HOST:PORT[,…], chardev:ID or none."),
        ("-serial", "DEVICE", "What the serial port is connected to: as above, or file:PATH, null, mon:DEVICE (with a monitor on it, Ctrl-A C switches)."),
        ("-gdb", "tcp:[HOST]:PORT|unix:PATH", "Where a debugger (GDB) connects to; without HOST on the loopback. -s is -gdb tcp::1234."),
        ("-s", null, "The same as -gdb tcp::1234."),
        ("-vnc", "[HOST]:DISPLAY|unix:PATH[,password=on]", "Show the screen of a virtio-gpu-pci to VNC clients at the port 5900 + DISPLAY; without HOST on the loopback. The password comes by QMP."),
        ("-watchdog-action", "ACTION", "What a watchdog (-machine wdat=on, or the device i6300esb) leads to: reset, shutdown, poweroff, pause, debug, none or inject-nmi."),
        ("-rtc", "base=utc|localtime|MOMENT", "What the guest's clock shows at the start; MOMENT is 2006-06-17T16:01:21 or 2006-06-17. It goes on with the host's."),
        ("-name", "[guest=]NAME", "The domain's name."),
        ("-uuid", "UUID", "The domain's UUID."),
        ("-S", null, "Wait for the monitor's command cont before the first instruction."),
        ("-no-reboot", null, "Treat the guest's reset as a shutdown."),
        ("-no-shutdown", null, "Stay, stopped, when the guest shut down."),
        ("-action", "EVENT=ACTION[,…]", "The same in general: reboot=reset|shutdown, shutdown=poweroff|pause, panic=shutdown|pause|exit-failure."),
        ("-daemonize", null, "Go on in the background; the command ends when the domain is ready: its monitors listen, its devices are open, its kernel is loaded."),
        ("-sandbox", "on|off[,rules=FILE]", "With -daemonize, confine the process as far as the host can: no new privileges, a filter of system calls, and with rules only the files and TCP ports that FILE names (a line each: execute, read, write, share, sockets with a path; listen, connect with a port; any-port)."),
        ("-pidfile", "FILE", "Write the process's number there; the file is locked while it lives."),
        ("-msg", "timestamp=on|off[,guest-name=on|off]", "What stands in front of messages."),
        ("-nodefaults", null, "Without it, -nographic alone gives a serial port and a monitor on standard input and output."),
        ("-nographic, -no-user-config", null, "Accepted, since there is no screen and no configuration file."),
        ("-display, -vga, -net, -parallel", "none", "Accepted with none, since there is nothing else."),
        ("-version", null, "Show the version."),
        ("-help", null, "Show this page; -h and --help do too."),
    ];

    /// <summary>Makes the command, for its page and for the list of commands.</summary>
    public static Command Create()
    {
        var command = new ManualCommand(VmmCommand.Name, "run one domain by QEMU's command line, controlled over QMP", new ManualPage
        {
            Description =
            [
                "Runs one domain as one process, as qemu-system-x86_64 does with its machine xenpvh: the options are QEMU's, and so are the monitors' protocol (QMP) and the words of its messages. "
                    + "Options may have one dash or two. What QEMU knows and this program does not is refused by name; docs/qemu.md lists both.",
                "SIGINT, SIGTERM and SIGHUP end the domain in order.",
            ],
            ExitStatuses =
            [
                ("0", "The guest shut down, or someone ended the domain with a signal or a monitor's command; with -daemonize, the domain is ready."),
                ("1", "There is no domain, and standard error says why; or it ended by a triple fault or a fault of Hospes, or by a panic with -action panic=exit-failure."),
            ],
            Examples =
            [
                ("hospes vmm -accel soft -m 512 -smp 2 -kernel vmlinuz -initrd root.cpio -append console=ttyS0 -nographic", "Boot Linux; Ctrl-A X ends it, Ctrl-A C leads to the monitor."),
                ("hospes vmm -nodefaults -daemonize -pidfile g0.pid -m 1G -kernel vmlinuz -drive if=virtio,file=disk.qcow2 -netdev user,id=n -device virtio-net-pci,netdev=n -qmp unix:g0.qmp,server=on,wait=off", "A domain in the background with a disk, a network and a control socket."),
            ],
            SeeAlso = ["hospes run", "hospes image create"],
        });
        foreach ((string name, string? argument, string does) in s_options)
        {
            string[] names = name.Split(", ");
            command.Add(argument is null
                ? new Option<bool>(names[^1], names[..^1]) { Description = does }
                : new Option<string>(names[^1], names[..^1]) { Description = does, HelpName = argument });
        }
        return command;
    }
}
