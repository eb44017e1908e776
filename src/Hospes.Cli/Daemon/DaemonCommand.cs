using System.CommandLine;
using System.Runtime.InteropServices;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Native;
using Hospes.Domains;
using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Drivers.ControlGroups;
using Hospes.Domains.Events;
using Hospes.Domains.Networks;
using Hospes.Domains.Operations;
using Hospes.Domains.Persistence;
using Hospes.Domains.Storage;
using Hospes.Libvirt.Server;

namespace Hospes.Cli.Daemon;

/// <summary><c>hospes daemon</c>: domains behind libvirt's protocol.</summary>
internal static class DaemonCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Option<string?> socket = OptionValue.Text("--socket", "PATH", "Serve at this Unix socket.");
        Option<string?> readOnly = OptionValue.Text("--read-only-socket", "PATH", "Serve at this Unix socket, too, clients that may only look.");
        Option<string?> state = OptionValue.Text("--state", "DIR", "Keep definitions, states and events in this folder.");
        Option<string?> hooks = OptionValue.Text("--hooks", "DIR", "Run the programs in this folder at moments of domains' lives.");
        Option<bool> simulate = OptionValue.Switch("--simulate", "Simulate the host: domains live and end without machines. Nothing is kept unless --state is given.");
        var command = new ManualCommand("daemon", "manage domains for libvirt's clients", new ManualPage
        {
            Description =
            [
                "Keeps definitions of domains, starts and ends them, and serves libvirt's protocol, so that virsh and everything else that uses libvirt can manage them. "
                    + "Prints the line that connects virsh when it is ready; runs until it is ended by SIGTERM or SIGINT.",
                "Each running domain is a process of its own (hospes vmm) that goes on when the daemon ends, and is found again by the next one. "
                    + "Only this user, and root, can connect.",
                "The program 'domain' in the folder of hooks, and those in 'domain.d' beside it in the order of their names, are run with the domain's name, 'prepare begin', 'start begin', 'started begin', "
                    + "'stopped end' or 'release end', and '-', and read the domain's document from standard input. They have 30 seconds. Whoever fails before or at 'started begin' keeps the domain from starting.",
            ],
            ExitStatuses = [("0", "Ended as asked."), ("2", "Bad arguments, or a socket or folder cannot be used.")],
            Variables = DaemonFolders.Variables,
            Examples =
            [
                ("hospes daemon", "Then paste the line it prints, with 'list --all' behind it."),
                ("hospes daemon --simulate --socket /tmp/h.sock", "Try automation without machines."),
            ],
            SeeAlso = ["hospes domain", "hospes vmm"],
        })
        { socket, readOnly, state, hooks, simulate };
        command.SetAction(async (result, _) =>
        {
            string folder = result.GetValue(state) ?? DaemonFolders.State(surroundings);
            string path = Path.GetFullPath(result.GetValue(socket) ?? DaemonFolders.Socket(surroundings));
            bool simulated = result.GetValue(simulate);
            string programs = Path.GetFullPath(result.GetValue(hooks) ?? DaemonFolders.Hooks(surroundings));
            string? kept = simulated && result.GetValue(state) is null ? null : Path.GetFullPath(folder);
            try
            {
                MakeFolder(Path.GetDirectoryName(path)!);
                if (kept is not null) MakeFolder(kept);
                return await ServeAsync(surroundings, path, result.GetValue(readOnly) is { } look ? Path.GetFullPath(look) : null, kept, programs, simulated).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
            {
                return surroundings.Fail(new Failure(FailureKind.File, failure.Message.TrimEnd('.'), "choose a socket and folder that can be written and that no other daemon uses"));
            }
        });
        return command;
    }

    private static async Task<int> ServeAsync(Surroundings surroundings, string socket, string? readOnly, string? state, string hooks, bool simulated)
    {
        using FileStream? only = state is null ? null : new FileStream(Path.Combine(state, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        var images = new HostImages();
        var pools = new StoragePools(images, state is null ? null : Path.Combine(state, "storage"));
        var networks = new VirtualNetworks(state is null ? null : Path.Combine(state, "networks"));
        foreach (string trouble in pools.Recover().Concat(networks.Recover())) surroundings.Note(trouble);
        if (state is not null) MakeDefaults(state, pools, networks);
        using FileStore? store = state is null ? null : new FileStore(state);
        using var host = new DomainHost(new DomainHostOptions
        {
            Driver = simulated ? new SimulatedHost(surroundings.Clock, SimulatedHost.DefaultProfile) : Real(surroundings, images, pools, Path.GetDirectoryName(socket)!),
            Networks = networks,
            Hooks = new HookFolder(hooks, surroundings.Clock),
            Store = store is null ? new NoStore() : store,
            Clock = surroundings.Clock,
            Events = new EventLog(surroundings.Clock, state is null ? null : EventJournal.OpenIn(state)),
            DumpFolder = state is null ? null : Path.Combine(state, "dump"),
        });
        foreach (string trouble in await host.RecoverAsync().ConfigureAwait(false)) surroundings.Note(trouble);
        using var server = new LibvirtServer(new LibvirtServerOptions { Host = host, Pools = pools, SocketPath = socket, ReadOnlySocketPath = readOnly });
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, end));
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, end));
        using var trim = new IdleTrim(surroundings.Clock);
        server.Start();
        surroundings.Out.WriteLine($"virsh -c 'hospes+unix:///{(Environment.UserName == "root" ? "system" : "session")}?socket={socket}'");
        surroundings.Out.Flush();
        foreach (string trouble in await host.StartMarkedAsync().ConfigureAwait(false)) surroundings.Note(trouble);
        await end.Task.ConfigureAwait(false);
        return ExitStatus.Done;
    }

    private static VmmDriver Real(Surroundings surroundings, HostImages images, StoragePools pools, string sockets)
    {
        string program = Environment.ProcessPath!;
        // Run by the runtime's own program, the first argument is this one's.
        bool hosted = Path.GetFileNameWithoutExtension(program) == "dotnet";
        string self = Path.GetFullPath(Environment.GetCommandLineArgs()[0]);
        return new VmmDriver(new VmmDriverOptions
        {
            Program = hosted ? [program, self, "vmm"] : [program, "vmm"],
            Folder = Path.Combine(sockets, "run"),
            Clock = surroundings.Clock,
            Images = images,
            Boot = new HostBoot(),
            UserNetwork = new HostUserNetwork(),
            Threads = new ThreadPlacement(),
            MakePipe = NamedPipe.Make,
            Groups = new ControlGroupHost(new ControlFiles()),
            DiskFolders = () => pools.Pools.List().Where(static pool => pool.IsActive).Select(static pool => pool.Config.Path),
            Profile = new HostProfile
            {
                Types = File.Exists("/dev/kvm") ? [DomainType.Hospes, DomainType.Qemu, DomainType.Kvm] : [DomainType.Hospes, DomainType.Qemu],
                Emulator = hosted ? self : program,
                HasBalloon = true,
                BootsFromDisk = true,
            },
        });
    }

    /// <summary>At the first start of all, there are a pool and a network that clients expect; who removes them is rid of them.</summary>
    private static void MakeDefaults(string state, StoragePools pools, VirtualNetworks networks)
    {
        if (pools.Pools.IsNew)
        {
            var pool = new PoolConfig("default", Guid.NewGuid(), Path.Combine(state, "images"));
            _ = pools.Define(pool.ToXml());
            _ = pools.Start(pool.Uuid, build: true);
            _ = pools.Pools.SetAutostart(pool.Uuid, true);
        }
        if (!networks.All.IsNew) return;
        var network = new NetworkConfig("default", Guid.NewGuid());
        _ = networks.Define(network.ToXml());
        _ = networks.Start(network.Uuid);
        _ = networks.All.SetAutostart(network.Uuid, true);
    }

    private static void MakeFolder(string folder)
    {
        if (OperatingSystem.IsWindows() || Directory.Exists(folder)) return;
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static void Stop(PosixSignalContext context, TaskCompletionSource end)
    {
        context.Cancel = true;
        end.TrySetResult();
    }
}
