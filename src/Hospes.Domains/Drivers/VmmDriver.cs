using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers.ControlGroups;
using Hospes.Domains.Networks;
using Hospes.Domains.Statistics;
using Hospes.Domains.Storage;
using Hospes.Qmp.Client;

namespace Hospes.Domains.Drivers;

/// <summary>
/// The real host: a process <c>hospes vmm</c> per domain, driven over QMP. A process outlives the daemon and is found by its folder: the lock on its PID file says whether
/// it lives, its monitor's socket lets the successor in.
/// </summary>
public sealed partial class VmmDriver(VmmDriverOptions options) : IDomainDriver
{
    private readonly DisplayPorts _displays = new();

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    /// <summary>How often a killed process is looked for: it may be in the kernel for a while.</summary>
    private const int KillPolls = 500;

    /// <summary>How often a control group that does not go is tried to be removed: somebody else may have put a process there.</summary>
    private const int GroupPolls = 100;

    /// <inheritdoc/>
    public HostProfile Profile => options.Profile;

    internal TimeProvider Clock => options.Clock;

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> PrepareDiskAsync(DiskConfig disk, CancellationToken cancellation)
    {
        if (disk.Source is null) return ValueTask.FromResult<DomainFailure?>(null);
        try
        {
            using var file = new FileStream(disk.Source, FileMode.Open, disk.ReadOnly ? FileAccess.Read : FileAccess.ReadWrite, FileShare.ReadWrite);
            return ValueTask.FromResult<DomainFailure?>(null);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return ValueTask.FromResult<DomainFailure?>(new DomainFailure(DomainError.System, $"Cannot access storage file '{disk.Source}': {fault.Message.TrimEnd('.')}"));
        }
    }

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> PrepareInterfaceAsync(InterfaceConfig card, CancellationToken cancellation)
        => ValueTask.FromResult(card is { Type: "ethernet", Unmanaged: true, Target: { } target } && !Directory.Exists($"/sys/class/net/{target}")
            ? new DomainFailure(DomainError.System, $"Cannot get interface MTU on '{target}': No such device")
            : null);

    /// <inheritdoc/>
    public async ValueTask<Outcome<IMachine>> CreateAsync(DomainConfig config, IMachineSink sink, CancellationToken cancellation)
    {
        string folder = FolderOf(config.Uuid);
        Outcome<DomainConfig> placed = ScreenArguments.Place(DeviceAliases.Assign(config), folder, address => _displays.Choose(config.Uuid, port => DisplayPorts.IsFree(address, port)));
        if (placed.Failure is { } crowded) return crowded;
        DomainConfig named = placed.Value;
        Directory.CreateDirectory(folder);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Outcome<DomainConfig> bootable = FindKernel(named, folder);
        if (bootable.Failure is { } nothing)
        {
            await RemoveAsync(config.Uuid).ConfigureAwait(false);
            return nothing;
        }
        var networks = new Dictionary<string, UserNetworkEnd>();
        try
        {
            foreach (InterfaceConfig card in named.Devices.Interfaces)
            {
                Outcome<UserNetworkEnd?> network = OpenNetwork(named, card);
                if (network.Failure is { } refusal)
                {
                    await RemoveAsync(config.Uuid).ConfigureAwait(false);
                    return refusal;
                }
                if (network.Value is { } end) networks[card.Alias!] = end;
            }
            return await LaunchAsync(named, bootable.Value, folder, networks.ToDictionary(static pair => pair.Key, static pair => pair.Value.Socket), sink, cancellation).ConfigureAwait(false);
        }
        finally
        {
            foreach (UserNetworkEnd end in networks.Values) end.Dispose();
        }
    }

    /// <summary>Starts the process of a machine and connects to it.</summary>
    private async ValueTask<Outcome<IMachine>> LaunchAsync(
        DomainConfig named, DomainConfig bootable, string folder, Dictionary<string, string> networks, IMachineSink sink, CancellationToken cancellation)
    {
        if (Confine(bootable, folder) is { } obstacle) return obstacle;
        // In the background from the start: the process that is waited for tells in time what is wrong, and its child is nobody's.
        var start = new ProcessStartInfo(options.Program[0], [.. options.Program.Skip(1), .. VmmArguments.For(bootable, folder, networks, options.UserNetwork?.Mtu, options.Clock), "-daemonize"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.StartPatience);
        try
        {
            using Process launcher = Process.Start(start)!;
            launcher.StandardInput.Close();
            Task<string> output = launcher.StandardOutput.ReadToEndAsync(limit.Token);
            string error = await launcher.StandardError.ReadToEndAsync(limit.Token).ConfigureAwait(false);
            KeepApplied(folder, await output.ConfigureAwait(false));
            await launcher.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            if (launcher.ExitCode != 0)
            {
                await RemoveAsync(named.Uuid).ConfigureAwait(false);
                return new DomainFailure(DomainError.OperationFailed, $"the machine did not start: {error.Trim().ReplaceLineEndings(" ")}");
            }
            Outcome<VmmMachine> machine = await ConnectAsync(named, folder, sink, limit.Token).ConfigureAwait(false);
            if (machine.Failure is { } failure) return failure;
            if (await machine.Value.SettleAsync().ConfigureAwait(false) is { } unsettled) return unsettled;
            if (await machine.Value.SetPasswordsAsync().ConfigureAwait(false) is { } unset) return unset;
            foreach (InterfaceConfig card in named.Devices.Interfaces)
            {
                if (!card.LinkUp && await machine.Value.SetLinkAsync(card, up: false).ConfigureAwait(false) is { } refusal) return refusal;
            }
            return machine.Value;
        }
        catch (OperationCanceledException)
        {
            await RemoveAsync(named.Uuid).ConfigureAwait(false);
            return cancellation.IsCancellationRequested
                ? new DomainFailure(DomainError.Aborted, "the operation was given up")
                : new DomainFailure(DomainError.Timeout, "the machine's monitor did not answer in time");
        }
        catch (System.ComponentModel.Win32Exception fault)
        {
            return new DomainFailure(DomainError.System, $"cannot start '{options.Program[0]}': {fault.Message}");
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Outcome<IMachine>> FindAsync(DomainConfig config, IMachineSink sink)
    {
        string folder = FolderOf(config.Uuid);
        if (ProcessIn(folder) is null) return new DomainFailure(DomainError.OperationFailed, "there is no machine");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10), options.Clock);
        try
        {
            Outcome<VmmMachine> machine = await ConnectAsync(DeviceAliases.Assign(config), folder, sink, limit.Token).ConfigureAwait(false);
            if (machine.Failure is { } failure) return failure;
            machine.Value.FindGroups();
            await machine.Value.LookAsync().ConfigureAwait(false);
            foreach (GraphicsConfig graphics in machine.Value.Config.Devices.Graphics)
            {
                if (graphics.Port is { } port) _displays.Take(config.Uuid, port);
            }
            return machine.Value;
        }
        catch (OperationCanceledException)
        {
            return new DomainFailure(DomainError.Timeout, "the machine's monitor did not answer in time");
        }
    }

    /// <inheritdoc/>
    public ValueTask<Outcome<DiskUse>> DiskUseAsync(DiskConfig disk)
    {
        if (disk.Source is null) return ValueTask.FromResult<Outcome<DiskUse>>(new DomainFailure(DomainError.InvalidArgument, $"disk '{disk.Target}' does not currently have a source assigned"));
        Outcome<DiskImageInfo> image = options.Images.Inspect(disk.Source, disk.Format);
        return ValueTask.FromResult<Outcome<DiskUse>>(image.Failure is { } failure ? failure : new DiskUse(image.Value.Capacity, image.Value.Allocation, image.Value.Physical));
    }

    /// <inheritdoc/>
    public async ValueTask RemoveAsync(Guid uuid)
    {
        string folder = FolderOf(uuid);
        options.UserNetwork?.Remove(uuid);
        _displays.Release(uuid);
        if (!Directory.Exists(folder)) return;
        // A process that a killed daemon had just started may not have written its number yet: it is known by its folder, too.
        foreach (int pid in ProcessesOf(folder))
        {
            try
            {
                using var process = Process.GetProcessById(pid);
                process.Kill();
                // Not by the runtime: a process that nobody fetched counts as running to it, but has no command line any more.
                for (int polls = 0; Mentions(pid, folder) && polls < KillPolls; polls++) await Task.Delay(Poll, options.Clock).ConfigureAwait(false);
            }
            catch (Exception gone) when (gone is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // It ended by itself.
            }
        }
        if (FindGroups(folder) is { } groups)
        {
            // A group is empty when the kernel is through with its process.
            for (int polls = 0; !groups.TryRemove() && polls < GroupPolls; polls++) await Task.Delay(Poll, options.Clock).ConfigureAwait(false);
        }
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing is left to remove.
        }
    }

    /// <summary>The number of the process whose machine is in a folder, or null.</summary>
    internal static int? ProcessIn(string folder)
    {
        try
        {
            string text = File.ReadAllText(Path.Combine(folder, VmmArguments.PidName));
            return int.TryParse(text.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && Mentions(pid, folder) ? pid : null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Starts the network in user mode that a card is connected to; null if it is connected to something else.</summary>
    internal Outcome<UserNetworkEnd?> OpenNetwork(DomainConfig config, InterfaceConfig card)
    {
        if (card.Type == "ethernet" || options.UserNetwork is not { } network) return (UserNetworkEnd?)null;
        Outcome<UserNetworkEnd> end = network.Open(config.Uuid);
        return end.Failure is { } failure ? failure : end.Value;
    }

    /// <summary>The largest packet of a card that has a network in user mode.</summary>
    internal int? UserMtu => options.UserNetwork?.Mtu;

    /// <summary>Writes down what the process of a machine may use. Files that it is to make are made, since only what is there can be allowed.</summary>
    private DomainFailure? Confine(DomainConfig config, string folder)
    {
        if (!config.IsConfined) return null;
        try
        {
            foreach (CharacterConfig port in config.Devices.Serials.Concat(config.Devices.Consoles).Concat(config.Devices.Channels))
            {
                if (port is { Type: "file", Path: { } path } && !File.Exists(path)) File.Create(path).Dispose();
            }
            File.WriteAllText(Path.Combine(folder, ConfinementPlan.RulesName), ConfinementPlan.For(config, folder, options.Images, options.DiskFolders()));
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new DomainFailure(DomainError.System, fault.Message.TrimEnd('.'));
        }
    }

    /// <summary>Keeps what a process that was started told of how it is confined: later daemons read it.</summary>
    private static void KeepApplied(string folder, string output)
    {
        const string word = "confined: ";
        string? line = output.Split('\n').FirstOrDefault(static line => line.StartsWith(word, StringComparison.Ordinal));
        if (line is not null && Directory.Exists(folder)) File.WriteAllText(Path.Combine(folder, ConfinementPlan.AppliedName), line[word.Length..].Trim());
    }

    /// <summary>Gives a configuration without a kernel the one on its disks; it is looked for anew at each start.</summary>
    private Outcome<DomainConfig> FindKernel(DomainConfig config, string folder)
    {
        if (config.Os.Kernel is not null || options.Boot is null) return config;
        (string, string?)[] disks = [.. config.Devices.Disks.Where(static disk => disk.Source is not null).OrderBy(static disk => disk.BootOrder ?? uint.MaxValue).Select(static disk => (disk.Source!, disk.Format))];
        if (disks.Length == 0) return new DomainFailure(DomainError.UnsupportedConfiguration, "there is nothing to boot: <os> has no <kernel>, and there is no disk");
        Outcome<BootFiles> found = options.Boot.Extract(disks, folder);
        return found.Failure is { } failure ? failure : config with { Os = config.Os with { Kernel = found.Value.Kernel, Initrd = found.Value.Initrd, CommandLine = found.Value.CommandLine } };
    }

    private static IEnumerable<int> ProcessesOf(string folder) => Directory.EnumerateDirectories("/proc")
        .Select(static path => int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) ? pid : 0)
        .Where(pid => pid > 0 && pid != Environment.ProcessId && Mentions(pid, folder)).ToArray();

    /// <summary>Whether a process was started with a PID file in a folder: numbers of processes are used again.</summary>
    private static bool Mentions(int pid, string folder)
    {
        try
        {
            string[] words = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline")).Split('\0');
            return words.Contains(Path.Combine(folder, VmmArguments.PidName));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private async Task<Outcome<VmmMachine>> ConnectAsync(DomainConfig config, string folder, IMachineSink sink, CancellationToken cancellation)
    {
        var address = new UnixDomainSocketEndPoint(Path.Combine(folder, VmmArguments.MonitorName));
        while (true)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(address, cancellation).ConfigureAwait(false);
                QmpClient client = await QmpClient.ConnectAsync(new NetworkStream(socket, ownsSocket: true), cancellation).ConfigureAwait(false);
                return new VmmMachine(this, config, folder, client, sink);
            }
            catch (Exception fault) when (fault is SocketException or QmpClientException)
            {
                socket.Dispose();
                if (ProcessIn(folder) is null) return new DomainFailure(DomainError.OperationFailed, "the machine ended while it was started");
                await Task.Delay(Poll, options.Clock, cancellation).ConfigureAwait(false);
            }
        }
    }

    private string FolderOf(Guid uuid) => Path.Combine(options.Folder, uuid.ToString("N"));
}
