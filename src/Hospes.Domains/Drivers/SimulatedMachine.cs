using System.IO.Pipelines;
using Hospes.Domains.Configuration;
using Hospes.Domains.Events;
using Hospes.Domains.Statistics;

namespace Hospes.Domains.Drivers;

/// <summary>A machine that is only said to be there. Its serial port repeats what it is told.</summary>
public sealed partial class SimulatedMachine : IMachine
{
    private static readonly BlockStatistics IdleDisk = new(0, 0, 0, 0, 0, 0, 0, 0);
    private static readonly InterfaceStatistics IdleCard = new(0, 0, 0, 0);
    private readonly SimulatedHost _host;
    private readonly Lock _gate = new();
    private ITimer? _poweringOff;
    private long _runningSince;
    private TimeSpan _ran;
    private bool _paused = true;
    private bool _ended;
    private ulong _balloon;

    internal SimulatedMachine(SimulatedHost host, DomainConfig config)
    {
        _host = host;
        Config = config;
        _balloon = config.CurrentMemoryKiB;
    }

    /// <inheritdoc/>
    public DomainConfig Config { get; set; }

    /// <inheritdoc/>
    public string? Confinement => null;

    /// <summary>Whether the guest lets devices go when it is asked.</summary>
    public bool LetsDevicesGo { get; set; } = true;

    internal IMachineSink? Sink { get; set; }

    /// <inheritdoc/>
    public ValueTask<bool?> IsPausedAsync()
    {
        lock (_gate) return ValueTask.FromResult<bool?>(_paused);
    }

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> PauseAsync()
    {
        lock (_gate)
        {
            if (!_paused) _ran += _host.Clock.GetElapsedTime(_runningSince);
            _paused = true;
        }
        return ValueTask.FromResult<DomainFailure?>(null);
    }

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> ResumeAsync()
    {
        lock (_gate)
        {
            if (_paused) _runningSince = _host.Clock.GetTimestamp();
            _paused = false;
        }
        return ValueTask.FromResult<DomainFailure?>(null);
    }

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> PressPowerButtonAsync(bool restart)
    {
        lock (_gate)
        {
            _poweringOff?.Dispose();
            _poweringOff = null;
            if (_host.Behaviour.PowerOffTime > TimeSpan.Zero)
            {
                _poweringOff = _host.Clock.CreateTimer(_ => PowerOff(restart), null, _host.Behaviour.PowerOffTime, Timeout.InfiniteTimeSpan);
                return ValueTask.FromResult<DomainFailure?>(null);
            }
        }
        PowerOff(restart);
        return ValueTask.FromResult<DomainFailure?>(null);
    }

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> ResetAsync()
    {
        Sink?.Rebooted();
        return ValueTask.FromResult<DomainFailure?>(null);
    }

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> EndAsync(bool gracefully)
    {
        Stop();
        return ValueTask.FromResult<DomainFailure?>(null);
    }

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> SetMemoryAsync(ulong kib)
    {
        lock (_gate) _balloon = kib;
        Sink?.BalloonChanged(kib);
        return ValueTask.FromResult<DomainFailure?>(null);
    }

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> PlugAsync(DevicePart device) => ValueTask.FromResult<DomainFailure?>(null);

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> UnplugAsync(DevicePart device)
    {
        if (LetsDevicesGo) Sink?.DeviceRemoved(device.Alias!);
        return ValueTask.FromResult<DomainFailure?>(null);
    }

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> PlugProcessorAsync(int index) => ValueTask.FromResult<DomainFailure?>(null);

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> SetLinkAsync(InterfaceConfig card, bool up) => ValueTask.FromResult<DomainFailure?>(null);

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> SetLimitsAsync(DiskConfig disk, IoTuneConfig limits) => ValueTask.FromResult<DomainFailure?>(null);

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> ResizeDiskAsync(DiskConfig disk, ulong size)
    {
        _host.Resize(disk, size);
        return ValueTask.FromResult<DomainFailure?>(null);
    }

    /// <inheritdoc/>
    public ValueTask<Outcome<DiskUse>> DiskUseAsync(DiskConfig disk) => _host.DiskUseAsync(disk);

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> SetStatisticsPeriodAsync(uint seconds) => ValueTask.FromResult<DomainFailure?>(null);

    /// <inheritdoc/>
    public ValueTask<MachineStatistics> StatisticsAsync(StatisticsParts parts)
    {
        TimeSpan ran;
        ulong balloon;
        bool paused;
        lock (_gate)
        {
            ran = _paused ? _ran : _ran + _host.Clock.GetElapsedTime(_runningSince);
            balloon = _balloon;
            paused = _paused;
        }
        ulong each = (ulong)(ran.TotalNanoseconds * _host.Behaviour.Load);
        ulong all = each * (ulong)Config.Vcpus.Current;
        return ValueTask.FromResult(new MachineStatistics
        {
            CpuTime = all,
            UserTime = all / 2,
            SystemTime = all / 4,
            BalloonKiB = balloon,
            ResidentKiB = balloon / 2,
            Vcpus = [.. Enumerable.Range(0, Config.Vcpus.Current).Select(vcpu => new VcpuStatistics(!paused, each, 0, 0) { Place = Config.PlaceOfVcpu(vcpu) })],
            Blocks = Same(IdleDisk, Config.Devices.Disks.Count),
            Interfaces = Same(IdleCard, Config.Devices.Interfaces.Count),
        });
    }

    /// <inheritdoc/>
    public ValueTask<Outcome<ScreenPicture>> TakePictureAsync(VideoConfig video, int head)
    {
        int width = video.Width ?? 640, height = video.Height ?? 480;
        // Nobody draws: it is black (Netpbm, ppm(5)).
        byte[] title = System.Text.Encoding.ASCII.GetBytes($"P6\n{width} {height}\n255\n"), picture = new byte[title.Length + (3 * width * height)];
        title.CopyTo(picture, 0);
        return ValueTask.FromResult<Outcome<ScreenPicture>>(new ScreenPicture("image/x-portable-pixmap", new MemoryStream(picture)));
    }

    /// <inheritdoc/>
    public ValueTask<Outcome<Stream>> OpenAsync(CharacterConfig device) => ValueTask.FromResult<Outcome<Stream>>(new EchoStream());

    /// <summary>Has the guest power off by itself.</summary>
    public void PowerOff() => PowerOff(restart: false);

    /// <summary>Has the guest set its clock.</summary>
    public void SetClock(long seconds) => Sink?.ClockSet(seconds);

    /// <summary>Has the guest let its watchdog expire.</summary>
    public void LetWatchdogExpire(WatchdogResult result) => Sink?.WatchdogExpired(result);

    /// <summary>Has a disk fail.</summary>
    public void FailDisk(string alias, bool isFull) => Sink?.DiskFailed(alias, IoErrorResult.Report, isFull);

    /// <summary>Has somebody look at the screen, or go.</summary>
    public void Look(GraphicsPhase phase, ValueList<string> connection) => Sink?.Looked(phase, connection);

    /// <summary>Has the guest panic.</summary>
    public void Panic() => Sink?.Panicked();

    /// <summary>Has the machine end as if its process was killed.</summary>
    public void Crash() => End(MachineEnd.Crashed);

    internal void Stop()
    {
        lock (_gate)
        {
            _ended = true;
            _poweringOff?.Dispose();
        }
    }

    private static ValueList<T> Same<T>(T item, int count)
    {
        var items = new T[count];
        Array.Fill(items, item);
        return ValueList.Create<T>(items);
    }

    private void PowerOff(bool restart)
    {
        if (restart) Sink?.Rebooted();
        else End(MachineEnd.PoweredOff);
    }

    private void End(MachineEnd end)
    {
        lock (_gate)
        {
            if (_ended) return;
            _ended = true;
        }
        _host.Remove(this);
        Sink?.Ended(end);
    }

    /// <summary>Gives back what was written to it.</summary>
    private sealed class EchoStream : Stream
    {
        private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 64 * 1024, useSynchronizationContext: false));

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _pipe.Reader.AsStream().ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => await _pipe.Writer.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            _pipe.Writer.Complete();
            base.Dispose(disposing);
        }
    }
}
