using Hospes.Domains.Drivers;
using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Operations;
using Hospes.Domains.Persistence;
using Hospes.Domains.Storage;

namespace Hospes.Domains.Tests;

/// <summary>Random numbers that are none: what they make can be written down beforehand.</summary>
internal sealed class NoRandom : Random
{
    public override int Next(int maxValue) => 0;

    public override void NextBytes(Span<byte> buffer) => buffer.Clear();
}

/// <summary>A clock that stands still until it is turned.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly List<Waiting> _waiting = [];
    private DateTimeOffset _now = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _now.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Waiting(this, () => callback(state)) { Due = _now + dueTime };
        _waiting.Add(timer);
        return timer;
    }

    public void Turn(TimeSpan by)
    {
        _now += by;
        foreach (Waiting timer in _waiting.Where(timer => timer.Due <= _now).ToArray())
        {
            _waiting.Remove(timer);
            timer.Ring();
        }
    }

    private sealed class Waiting(ManualTime owner, Action ring) : ITimer
    {
        public DateTimeOffset Due { get; init; }

        public void Ring() => ring();

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose() => owner._waiting.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>Remembers what it was told.</summary>
internal sealed class Listener : IEventSink
{
    private readonly List<DomainEvent> _events = [];

    public IReadOnlyList<DomainEvent> Events
    {
        get { lock (_events) return [.. _events]; }
    }

    /// <summary>The lifecycle events as words.</summary>
    public IReadOnlyList<string> Story => [.. Events.Select(static e => e.Kind == DomainEventKind.Lifecycle ? $"{e.Name} {(LifecycleEvent)e.Event} {e.Detail}" : $"{e.Name} {e.Kind}")];

    public void Take(DomainEvent happened)
    {
        lock (_events) _events.Add(happened);
    }
}

/// <summary>Images of which none is below another.</summary>
internal sealed class NoImages : IDiskImages
{
    public Outcome<DiskImageInfo> Inspect(string path, string? format) => new DiskImageInfo("raw", 0, 0, 0);

    public DomainFailure? Create(string path, NewDiskImage image) => null;

    public DomainFailure? Copy(string source, string? sourceFormat, string path, NewDiskImage image) => null;

    public DomainFailure? Resize(string path, string format, ulong capacity) => null;
}

/// <summary>A simulated host, with a folder if wanted.</summary>
internal sealed class Lab : IDisposable
{
    private readonly Random _random = new(7);
    private readonly IDomainHooks? _hooks;

    public Lab(bool persistent = false, SimulatedBehaviour? behaviour = null, IDomainHooks? hooks = null)
    {
        _hooks = hooks;
        Driver = new SimulatedHost(Time, SimulatedHost.DefaultProfile, behaviour);
        if (persistent) Folder = Directory.CreateTempSubdirectory("domains").FullName;
        Host = NewHost();
        Host.Events.Subscribe(Listener);
    }

    public ManualTime Time { get; } = new();

    public SimulatedHost Driver { get; }

    public string? Folder { get; }

    public Listener Listener { get; } = new();

    public DomainHost Host { get; private set; }

    public static string Xml(string name, string more = "", string type = "hospes") =>
        $"<domain type='{type}'><name>{name}</name><memory unit='MiB'>64</memory><os><type>hvm</type><kernel>/k</kernel></os>{more}</domain>";

    public DomainHost NewHost(IStepObserver? observer = null) => new(new DomainHostOptions
    {
        Driver = Driver,
        Store = Folder is null ? new NoStore() : new FileStore(Folder, durable: false),
        Clock = Time,
        Events = new EventLog(Time, Folder is null ? null : EventJournal.OpenIn(Folder)),
        Random = _random,
        Hooks = _hooks,
        Observer = observer,
    });

    /// <summary>The daemon ends, and another begins.</summary>
    public async Task<IReadOnlyList<string>> RestartAsync()
    {
        Host.Dispose();
        Host = NewHost();
        return await Host.RecoverAsync();
    }

    public async Task<ManagedDomain> DefineAsync(string name, string more = "") => (await Host.DefineAsync(Xml(name, more))).Value;

    public async Task<ManagedDomain> RunAsync(string name, string more = "")
    {
        ManagedDomain domain = await DefineAsync(name, more);
        (await Host.StartAsync(domain, new StartOptions())).Failure.ShouldBeNull();
        return domain;
    }

    public SimulatedMachine Machine(ManagedDomain domain) => Driver.Machine(domain.Uuid)!;

    public void Dispose()
    {
        Host.Dispose();
        if (Folder is not null) Directory.Delete(Folder, recursive: true);
    }
}
