using System.Text;
using Hospes.Builder;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Archive;
using Hospes.Cli.Initramfs;
using Hospes.Cli.Run;
using Hospes.Machine;
using Hospes.Vmm;

namespace Hospes.Cli.Images.Root;

/// <summary>The guest that installs packages on a new disk, as their maintainers' scripts want it: as root of a system of its own. The person who starts it needs no rights.</summary>
internal sealed class AssemblyGuest(IPullSteps steps) : IConsoleSink
{
    private const int KeptLines = 6;

    private const ulong Memory = 1UL << 30;

    /// <summary>On a slow host's software processor it takes a quarter of that.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromHours(2);

    private readonly StringBuilder _line = new();
    private readonly Queue<string> _last = new();
    private string? _end;

    /// <summary>Writes the small root that the guest starts with.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="busybox">Its programs.</param>
    /// <param name="modules">The kernel's modules, by their names without an ending.</param>
    public static void WriteRoot(Stream output, ReadOnlySpan<byte> busybox, IReadOnlyDictionary<string, byte[]> modules) =>
        InitramfsBuilder.Write(output, busybox, InitScript.Run(AssemblyScripts.Init), modules.ToDictionary(static at => $"modules/{at.Key}.ko", static at => at.Value));

    /// <summary>Runs it to its end.</summary>
    /// <param name="kernel">The kernel's file.</param>
    /// <param name="initrd">The small root.</param>
    /// <param name="disk">The disk, raw.</param>
    /// <param name="packages">The folder with the packages and the script.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Null, or why the disk is of no use.</returns>
    public Failure? Run(string kernel, string initrd, string disk, string packages, CancellationToken cancellation)
    {
        var options = new VmmOptions
        {
            Machine = new MachineConfig { Memory = Memory, Vcpus = Math.Clamp(Environment.ProcessorCount, 1, 2), DebugExitPort = null },
            Kernel = BootPayload.FromBytes(File.ReadAllBytes(kernel)),
            CommandLine = "console=ttyS0 quiet panic=-1",
            Initrd = BootPayload.FromBytes(File.ReadAllBytes(initrd)),
            Devices = [new DiskOptions(disk) { Format = "raw" }, new ShareOptions(packages, AssemblyScripts.Tag) { IsReadOnly = true }],
            Reboot = false,
            Timeout = s_patience,
        };
        DomainRunner? runner = DomainRunner.TryCreate(options, this, out VmmFailure? refused);
        if (runner is null) return Refused(refused!);
        using CancellationTokenRegistration stop = cancellation.Register(() => runner.Stop(DomainEndKind.Stopped));
        runner.StageReached = BuildMemory.ReleaseAt;
        refused = runner.Run(out DomainEnd end);
        if (refused is not null) return Refused(refused);
        cancellation.ThrowIfCancellationRequested();
        return end.Kind == DomainEndKind.PowerOff && _end == "0"
            ? null
            : new Failure(FailureKind.Host, $"the packages could not be installed in a guest ({end.Kind}{(_end is null ? "" : $", status {_end}")}: {string.Join("; ", _last)})", "see what it says, or install the package mmdebstrap, which is used in its place");
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            if (value != '\n')
            {
                // No line of a guest's is longer for people.
                if (value >= ' ' && _line.Length < 500) _line.Append((char)value);
                continue;
            }
            Take(_line.ToString());
            _line.Clear();
        }
    }

    private void Take(string line)
    {
        if (line.StartsWith(AssemblyScripts.Step, StringComparison.Ordinal)) steps.Begin(line[AssemblyScripts.Step.Length..], 0);
        if (line.StartsWith(AssemblyScripts.End, StringComparison.Ordinal)) _end = line[AssemblyScripts.End.Length..];
        else if (line.Length > 0) _last.Enqueue(line);
        if (_last.Count > KeptLines) _last.Dequeue();
    }

    private static Failure Refused(VmmFailure failure) => new(FailureKind.Host, $"the guest that installs packages cannot be started ({failure.Cause})", failure.Remedy);
}
