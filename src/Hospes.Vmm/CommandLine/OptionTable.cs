namespace Hospes.Vmm.CommandLine;

/// <summary>The options of QEMU's command line (its <c>qemu-options.hx</c>) by their names.</summary>
internal static class OptionTable
{
    private static readonly Dictionary<string, OptionKind> s_known = new()
    {
        ["h"] = OptionKind.Help,
        ["help"] = OptionKind.Help,
        ["version"] = OptionKind.Version,
        ["machine"] = OptionKind.Machine,
        ["M"] = OptionKind.Machine,
        ["accel"] = OptionKind.Accelerator,
        ["enable-kvm"] = OptionKind.EnableKvm,
        ["cpu"] = OptionKind.Cpu,
        ["smp"] = OptionKind.Smp,
        ["m"] = OptionKind.Memory,
        ["name"] = OptionKind.Name,
        ["uuid"] = OptionKind.Uuid,
        ["kernel"] = OptionKind.Kernel,
        ["initrd"] = OptionKind.Initrd,
        ["append"] = OptionKind.Append,
        ["device"] = OptionKind.Device,
        ["netdev"] = OptionKind.Netdev,
        ["drive"] = OptionKind.Drive,
        ["blockdev"] = OptionKind.Blockdev,
        ["object"] = OptionKind.Object,
        ["chardev"] = OptionKind.Chardev,
        ["mon"] = OptionKind.Mon,
        ["monitor"] = OptionKind.Monitor,
        ["qmp"] = OptionKind.Qmp,
        ["qmp-pretty"] = OptionKind.QmpPretty,
        ["serial"] = OptionKind.Serial,
        ["nodefaults"] = OptionKind.NoDefaults,
        ["nographic"] = OptionKind.NoGraphic,
        ["no-user-config"] = OptionKind.Nothing,
        ["no-hpet"] = OptionKind.Nothing,
        ["no-fd-bootchk"] = OptionKind.Nothing,
        ["display"] = OptionKind.Absent,
        ["vnc"] = OptionKind.Vnc,
        ["vga"] = OptionKind.Absent,
        ["net"] = OptionKind.Absent,
        ["nic"] = OptionKind.Absent,
        ["parallel"] = OptionKind.Absent,
        ["no-shutdown"] = OptionKind.NoShutdown,
        ["no-reboot"] = OptionKind.NoReboot,
        ["action"] = OptionKind.Action,
        ["S"] = OptionKind.StartPaused,
        ["pidfile"] = OptionKind.PidFile,
        ["daemonize"] = OptionKind.Daemonize,
        ["msg"] = OptionKind.Message,
        ["gdb"] = OptionKind.Gdb,
        ["s"] = OptionKind.GdbUsual,
        ["cdrom"] = OptionKind.Cdrom,
        ["watchdog-action"] = OptionKind.WatchdogAction,
        ["sandbox"] = OptionKind.Sandbox,
        ["rtc"] = OptionKind.Clock,
    };

    /// <summary>QEMU's other options, with and without an argument; no domain here knows them.</summary>
    private static readonly HashSet<string> s_foreign =
    [
        "acpitable", "add-fd", "alt-grab", "audio", "audiodev", "bios", "boot", "chroot", "compat", "ctrl-grab", "curses", "D", "d", "debugcon", "dfilter",
        "dtb", "echr", "enable-fips", "enable-sync-profile", "fda", "fdb", "fsdev", "full-screen", "fw_cfg", "global", "hda", "hdb", "hdc", "hdd", "icount",
        "incoming", "iscsi", "jitdump", "k", "L", "loadvm", "mem-path", "mem-prealloc", "mtdblock", "no-acpi", "no-quit", "numa", "old-param", "one-insn-per-tb",
        "only-migratable", "option-rom", "overcommit", "perfmap", "pflash", "plugin", "portrait", "preconfig", "prom-env", "readconfig", "run-with", "runas",
        "sd", "sdl", "seed", "semihosting", "semihosting-config", "set", "shim", "singlestep", "smbios", "snapshot", "soundhw", "spice", "tb-size", "tpmdev",
        "trace", "usb", "usbdevice", "virtfs", "watchdog", "win2k-hack", "writeconfig", "xen-attach", "xen-domid", "xen-domid-restrict",
    ];

    /// <summary>Finds an option.</summary>
    /// <param name="name">Its name without dashes.</param>
    /// <param name="kind">The option; <see cref="OptionKind.Foreign"/> for one of QEMU's that has no meaning here.</param>
    /// <returns>False when QEMU has no such option either.</returns>
    public static bool TryFind(string name, out OptionKind kind)
    {
        if (s_known.TryGetValue(name, out kind)) return true;
        kind = OptionKind.Foreign;
        return s_foreign.Contains(name);
    }

    /// <summary>Whether an argument follows.</summary>
    public static bool HasArgument(OptionKind kind) => kind is not (OptionKind.Help or OptionKind.Version or OptionKind.EnableKvm or OptionKind.NoDefaults or OptionKind.NoGraphic
        or OptionKind.Nothing or OptionKind.NoShutdown or OptionKind.NoReboot or OptionKind.StartPaused or OptionKind.Daemonize or OptionKind.GdbUsual);
}

/// <summary>The options that a domain knows.</summary>
internal enum OptionKind
{
    Help,
    Version,
    Machine,
    Accelerator,
    EnableKvm,
    Cpu,
    Smp,
    Memory,
    Name,
    Uuid,
    Kernel,
    Initrd,
    Append,
    Device,
    Netdev,
    Drive,
    Blockdev,
    Object,
    Chardev,
    Mon,
    Monitor,
    Qmp,
    QmpPretty,
    Serial,
    NoDefaults,
    NoGraphic,
    NoShutdown,
    NoReboot,
    Action,
    StartPaused,
    PidFile,
    Daemonize,
    Message,
    Gdb,
    Vnc,
    WatchdogAction,
    Cdrom,
    Sandbox,
    Clock,
    GdbUsual,

    /// <summary>It asks for what is the case anyway.</summary>
    Nothing,

    /// <summary>It is about something that no domain here has: only <c>none</c> is possible.</summary>
    Absent,

    /// <summary>An option of QEMU's that is refused.</summary>
    Foreign,
}
