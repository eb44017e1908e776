using System.CommandLine;
using System.Globalization;
using Hospes.Builder;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Seed;
using Hospes.Display;
using Hospes.Hypervisor;
using Hospes.Machine;
using Hospes.Vmm;
using Hospes.Vmm.Gdb;

namespace Hospes.Cli.Run;

/// <summary><c>hospes run</c>: one domain in this process, with its console attached.</summary>
internal static class RunCommand
{
    /// <summary>The most seconds that <c>--timeout</c> takes: what a timer of the runtime can wait.</summary>
    private const int LongestTimeout = 4_000_000;

    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Option<string?> kernel = OptionValue.Text("--kernel", "FILE", "The kernel: a bzImage (vmlinuz), an ELF kernel (vmlinux) or a Multiboot 1 image. Absent: what the disk's boot loader would start.");
        Option<string?> initrd = OptionValue.Text("--initrd", "FILE", "The initial RAM disk.");
        Option<string?> cpu = OptionValue.Text("--cpu", "MODEL", "The processor model, with features taken away or given back: max (the default), or as in max,-x2apic.");
        Option<string?> append = OptionValue.Text("--append", "TEXT", "The kernel's command line; behind that of the disk's entry where there is no --kernel. For a console, Linux needs console=ttyS0.");
        Option<string?> bootEntry = OptionValue.Text("--boot-entry", "ENTRY", "Start this entry of the disk's boot menu: its number from 0, its id or its title, as 'hospes image boot-entries' lists them. The menu's default when absent.");
        Option<MemorySize> memory = MemorySize.Growing();
        Option<int> vcpus = Vcpus(whenAbsent: 1);
        Option<string?> gdb = OptionValue.Create("--gdb", "tcp:[HOST]:PORT|unix:PATH", "Where a debugger (GDB) connects to, for the engine soft; without HOST on the loopback.",
            (string text, out string? value) =>
            {
                value = text;
                return GdbServer.IsPlace(text) ? null : "is neither tcp:HOST:PORT nor unix:PATH";
            });
        Option<Guid?> generation = OptionValue.Create("--generation-id", "UUID|auto", "Tell the guest which copy of the domain it is (ACPI generation id): a UUID, or auto for a new one.",
            (string text, out Guid? value) =>
            {
                value = text == "auto" ? Guid.NewGuid() : Guid.TryParseExact(text, "D", out Guid given) ? given : null;
                return value is null ? "is neither a UUID nor auto" : null;
            });
        Option<int> maxVcpus = OptionValue.Whole("--max-vcpus", "N", "How many virtual processors there may be once QMP's device_add plugged further ones in; as many as --vcpus when absent.", 1, 255, 1);
        Option<string?> engine = Engine();
        Option<string?> profile = OptionValue.Text("--profile", "FILE", "Write where the software engine's time went when the guest has ended: hot code with disassembly, why translated code was left, TLB misses, invalidations. Means --engine soft.");
        Option<TimeSpan?> timeout = OptionValue.Create("--timeout", "SECONDS", "Stop the guest after so many seconds, with status 5.", (string text, out TimeSpan? value) =>
        {
            bool read = double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) && seconds is > 0 and <= LongestTimeout;
            value = read ? TimeSpan.FromSeconds(seconds) : null;
            return read ? null : $"is no number of seconds above 0 and up to {LongestTimeout}";
        });
        Option<bool> noReboot = OptionValue.Switch("--no-reboot", "End with status 3 when the guest asks for a reset, instead of starting it anew.");
        Option<ushort?> debugExit = OptionValue.Create("--debug-exit", "PORT", "Give the guest this I/O port to end with a number n: the status is then (n << 1 | 1) & 255.", (string text, out ushort? value) =>
        {
            bool read = TryNumber(text, out ulong number) && number is > 0 and <= ushort.MaxValue - 3;
            value = read ? (ushort)number : null;
            return read ? null : "is no port from 1 to 0xfffc";
        });
        Option<bool> testDevice = OptionValue.Switch("--test-device", "Give the guest the ports that kvm-unit-tests kernels ask for.");
        Option<HugePages> hugePages = HugePageOption.Create();
        Option<string?> qmp = OptionValue.Text("--qmp", "PATH", "Let others of this user drive the guest over QMP, as they drive QEMU, on a Unix socket that is made here.");
        Option<WatchdogAction?> watchdog = OptionValue.Create(
            "--watchdog", "ACTION", $"Give the guest a watchdog (ACPI, wdat_wdt in Linux), and do this once it lets that expire: {string.Join(", ", WatchdogActions.Names)}.",
            (string text, out WatchdogAction? value) =>
            {
                value = WatchdogActions.Find(text);
                return value is null ? $"is none of {string.Join(", ", WatchdogActions.Names)}" : null;
            });
        Option<bool> paused = OptionValue.Switch("--paused", "Wait for QMP's command cont before the first instruction.");
        Option<bool> stats = OptionValue.Switch("--stats", "Say on standard error at the end what the guest used and did: processors' time and exits, devices' operations and bytes, memory. While it runs, QMP's query-stats and the .NET meter Hospes tell.");
        var devices = new DeviceArguments();
        var machine = new Option<string[]>("--machine")
        {
            HelpName = "NAME=VALUE",
            Description = $"Set a property of the machine, in bytes or with a unit; may be given again. NAME is one of {string.Join(", ", MachineProperties.Names)}.",
            AllowMultipleArgumentsPerToken = false,
            Arity = ArgumentArity.OneOrMore,
        };
        var seed = new SeedOptions();
        var command = new ManualCommand("run", "run a kernel or a disk as a guest, with its console here", new ManualPage
        {
            Description =
            [
                "Creates an empty guest, builds its memory from the kernel, and runs it until it powers off. The guest's first serial port is the console.",
                "On a terminal every key goes to the guest, Ctrl-C too; Ctrl-] leaves and stops the guest. Without a terminal the console goes to "
                    + "standard output, and what comes on standard input is typed into it.",
                "Without --kernel the guest boots from its disk: kernel, initial RAM disk and command line are those that GRUB (grub.cfg), a loader entry "
                    + "(Boot Loader Specification, type 1) or Syslinux (extlinux.conf) on an ext2, ext3 or ext4 file system of the first disk that has any would start. They are read once; a reset starts the same kernel again.",
                "The kernel is entered through PVH where it has that entry (also inside a bzImage), else through the 64-bit Linux boot protocol, else through Multiboot 1.",
            ],
            ExitStatuses =
            [
                ("0", "The guest powered itself off, or QMP's command quit ended it."),
                ("2", "Bad arguments, or the guest cannot be made of this kernel on this host; standard error says why and what to do."),
                ("3", "The guest asked for a reset and --no-reboot was given."),
                ("4", "A triple fault of the guest, a panic notice of its kernel, or a fault of Hospes."),
                ("5", "The time of --timeout was over."),
                ("130, 143", "The person left with Ctrl-] or SIGINT, or the process got SIGTERM or SIGHUP."),
                ("odd", "With --debug-exit: (n << 1 | 1) & 255 for the number n that the guest wrote to that port."),
            ],
            Examples =
            [
                ("hospes run --kernel vmlinuz --initrd root.cpio --append console=ttyS0", "Boot Linux into a small root."),
                ("hospes run --kernel vmlinuz --initrd root.cpio --append console=ttyS0 --disk disk.qcow2 --net user", "The same with a disk and a network."),
                ("hospes run --disk debian.qcow2 --net user,hostfwd=tcp:127.0.0.1:2222-:22 --ssh-key ~/.ssh/id_ed25519.pub", "Boot a disk, and let one's own key in over SSH."),
                ("hospes run --kernel vmlinuz --append console=ttyS0 --qmp /run/user/1000/guest.qmp", "Boot Linux and let programs drive it over QMP."),
                ("hospes run --kernel test.flat --debug-exit 0xf4 --timeout 60", "Run a test kernel and read its verdict from the status."),
            ],
            SeeAlso = ["hospes image pull", "hospes image initramfs", "hospes demo"],
        })
        { kernel, initrd, append, memory, vcpus, maxVcpus, generation, cpu, engine, profile, timeout, noReboot, debugExit, testDevice, hugePages, machine, qmp, paused, gdb, watchdog };
        command.Add(bootEntry);
        command.Add(stats);
        foreach (Option option in devices.Options) command.Add(option);
        foreach (Option option in seed.Options) command.Add(option);
        command.SetAction(result =>
        {
            MemorySize size = result.GetValue(memory);
            HugePages huge = result.GetValue(hugePages);
            var config = new MachineConfig
            {
                Memory = (ulong)size.Start,
                Vcpus = result.GetValue(vcpus),
                MaxVcpus = result.GetValue(maxVcpus),
                GenerationId = result.GetValue(generation),
                HasWatchdog = result.GetValue(watchdog) is not null,
                DebugExitPort = result.GetValue(debugExit),
                TestDevice = result.GetValue(testDevice),
                HugePages = huge,
            };
            if (!WithProperties(config, result.GetValue(machine) ?? []).Succeeded(out MachineConfig? configured, out Failure? failure)) return surroundings.Fail(failure);
            if (!devices.Read(result).Succeeded(out IReadOnlyList<DeviceOptions>? wanted, out failure)) return surroundings.Fail(failure);
            if (size.Device(huge) is { } growing) wanted = [.. wanted, growing];
            if (devices.ReadVnc(result, out VncSettings? vnc) is { } unreadable) return surroundings.Fail(unreadable);
            if (!Read(result.GetValue(kernel), result.GetValue(initrd), result.GetValue(bootEntry), result.GetValue(append), wanted).Succeeded(out Files? files, out failure)) return surroundings.Fail(failure);
            if (!Chosen(result.GetValue(engine) ?? EngineChoice.Auto, result.GetValue(profile)).Succeeded(out string? chosen, out failure)) return surroundings.Fail(failure);
            if (!SeedDisk.Attach(seed, result, wanted, surroundings.Clock).Succeeded(out SeedDisk? seeded, out failure)) return surroundings.Fail(failure);
            using SeedDisk closing = seeded;
            var options = new VmmOptions
            {
                Engine = chosen,
                CpuModel = result.GetValue(cpu),
                Machine = configured,
                Kernel = files.Kernel,
                KernelName = files.Name.Replace(' ', '_'),
                CommandLine = files.CommandLine,
                Initrd = files.Initrd,
                Devices = seeded.Devices,
                Reboot = !result.GetValue(noReboot),
                Timeout = result.GetValue(timeout),
                StartPaused = result.GetValue(paused),
                Watchdog = result.GetValue(watchdog) ?? WatchdogAction.Reset,
            };
            return new ForegroundDomain(surroundings, options) { QmpPath = result.GetValue(qmp), GdbPlace = result.GetValue(gdb), TellsStatistics = result.GetValue(stats), Vnc = vnc }.Run();
        });
        return command;
    }

    private static Outcome<string> Chosen(string engine, string? profile)
    {
        if (profile is null) return engine;
        if (EngineChoice.WithProfile(engine, profile) is not { } choice) return new Failure(FailureKind.Arguments, $"--profile needs the software engine, not '{engine}'", "leave --engine away, or say --engine soft");
        try
        {
            File.WriteAllBytes(profile, []);
            return choice;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return new Failure(FailureKind.File, $"--profile '{profile}': {refused.Message.TrimEnd('.')}", "name a file in a folder that can be written");
        }
    }

    /// <summary><c>--vcpus</c>.</summary>
    public static Option<int> Vcpus(int whenAbsent) =>
        OptionValue.Whole("--vcpus", "N", $"How many virtual processors the guest has, 1 to 255; {whenAbsent} when absent.", 1, 255, whenAbsent);

    /// <summary><c>--engine</c>.</summary>
    public static Option<string?> Engine() => OptionValue.Create("--engine", "NAME", $"What executes the guest: {string.Join(" or ", EngineChoice.Names)}. auto when absent: the best that this host has. Settings follow a comma, as in soft,translate=off.", (string text, out string? value) =>
    {
        value = text;
        return EngineChoice.Names.Contains(EngineChoice.Name(text)) ? null : $"is no engine; choose one of {string.Join(", ", EngineChoice.Names)}";
    });

    /// <summary>What a guest is started with.</summary>
    internal sealed record Files(BootPayload Kernel, BootPayload? Initrd, string CommandLine, string Name);

    /// <summary>Reads the kernel and finds the initrd: those that are named or, where no kernel is, those of a disk.</summary>
    public static Outcome<Files> Read(string? kernel, string? initrd, string? bootEntry, string? append, IReadOnlyList<DeviceOptions> devices)
    {
        if (kernel is null)
        {
            if (initrd is not null) return new Failure(FailureKind.Arguments, "--initrd needs --kernel", "name both, or neither");
            if (!DiskBoot.Load(devices, bootEntry).Succeeded(out DiskKernel? found, out Failure? nothing)) return nothing;
            string line = append is null ? found.Entry.CommandLine : $"{found.Entry.CommandLine} {append}".TrimStart();
            return new Files(BootPayload.FromBytes(found.Kernel), found.Initrd is null ? null : BootPayload.FromBytes(found.Initrd), line, Path.GetFileName(found.Entry.Kernel.Path));
        }

        if (bootEntry is not null) return new Failure(FailureKind.Arguments, "--boot-entry and --kernel do not go together", "leave one of them away");
        return Read(kernel, initrd).Succeeded(out (BootPayload Kernel, BootPayload? Initrd) files, out Failure? failure) ? new Files(files.Kernel, files.Initrd, append ?? "", Path.GetFileName(kernel)) : failure;
    }

    /// <summary>Finds a kernel and an initrd.</summary>
    public static Outcome<(BootPayload Kernel, BootPayload? Initrd)> Read(string kernel, string? initrd)
    {
        if (!BootPayload.TryOpenKernel(kernel, out BootPayload? image, out BuildFailure? failure)) return Unusable("--kernel", kernel, failure!);
        if (initrd is null) return (image!, null);
        return BootPayload.TryOpen(initrd, out BootPayload? payload, out failure) ? (image!, payload) : Unusable("--initrd", initrd, failure!);
    }

    private static Failure Unusable(string option, string file, BuildFailure failure) => new(
        FailureKind.File,
        $"{option} '{file}': {BuildErrors.Cause(failure.Error)}{(failure.Detail is null ? "" : $" ({failure.Detail.TrimEnd('.')})")}",
        BuildErrors.Remedy(failure.Error));

    private static Outcome<MachineConfig> WithProperties(MachineConfig config, IEnumerable<string> properties)
    {
        foreach (string property in properties)
        {
            string[] parts = property.Split('=', 2);
            if (parts.Length != 2) return Bad(property, "is not NAME=VALUE");
            ulong value;
            // A bare number is bytes here, since most properties are addresses.
            if (!TryNumber(parts[1], out value))
            {
                if (!ByteSize.TryParse(parts[1], out long size)) return Bad(property, "has a value that is no number or size");
                value = (ulong)size;
            }

            if (MachineProperties.With(config, parts[0], value) is not { } changed) return Bad(property, "names no property of the machine");
            config = changed;
        }

        return config;

        static Failure Bad(string property, string what) => new(FailureKind.Arguments, $"--machine '{property}' {what}", "see 'hospes run --help'");
    }

    /// <summary>A decimal number, or a hexadecimal one after 0x.</summary>
    private static bool TryNumber(string text, out ulong number) => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)
        : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
