using Hospes.Domains.Configuration;
using Hospes.Domains.Events;
using Hospes.Domains.Statistics;

namespace Hospes.Domains.Drivers;

/// <summary>How machines are made: a simulated host, or processes of the real one. Outlives nothing: machines do, and are found again.</summary>
public interface IDomainDriver
{
    /// <summary>What the host can give.</summary>
    HostProfile Profile { get; }

    /// <summary>Whether a disk can be used, before anything is started.</summary>
    ValueTask<DomainFailure?> PrepareDiskAsync(DiskConfig disk, CancellationToken cancellation);

    /// <summary>Whether a network card can be connected, before anything is started.</summary>
    ValueTask<DomainFailure?> PrepareInterfaceAsync(InterfaceConfig card, CancellationToken cancellation);

    /// <summary>Makes the machine of a domain: built, with its devices, its processors held.</summary>
    /// <param name="config">What it is to be.</param>
    /// <param name="sink">Who is told what happens to it, from now on.</param>
    /// <param name="cancellation">Ends the wait; nothing stays then.</param>
    ValueTask<Outcome<IMachine>> CreateAsync(DomainConfig config, IMachineSink sink, CancellationToken cancellation);

    /// <summary>Finds the machine that this or an earlier daemon made for a domain; a failure if there is none.</summary>
    /// <param name="config">What it was to be.</param>
    /// <param name="sink">Who is told what happens to it, from now on.</param>
    ValueTask<Outcome<IMachine>> FindAsync(DomainConfig config, IMachineSink sink);

    /// <summary>What a disk takes while no machine uses it.</summary>
    ValueTask<Outcome<DiskUse>> DiskUseAsync(DiskConfig disk);

    /// <summary>Ends whatever there is of a domain's machine, also half-made ones. No harm if there is nothing.</summary>
    ValueTask RemoveAsync(Guid uuid);
}

/// <summary>The machine of one domain. Thread-safe.</summary>
public interface IMachine : IMachineTuning
{
    /// <summary>The configuration that runs, with what was chosen at the start (aliases, terminals). Whoever changes the machine says here what it is now.</summary>
    DomainConfig Config { get; set; }

    /// <summary>What the host's kernel enforces on its process, in words for people; null for nothing.</summary>
    string? Confinement { get; }

    /// <summary>Whether its processors are held; null when it cannot be asked.</summary>
    ValueTask<bool?> IsPausedAsync();

    /// <summary>Holds the processors.</summary>
    ValueTask<DomainFailure?> PauseAsync();

    /// <summary>Lets the processors go on.</summary>
    ValueTask<DomainFailure?> ResumeAsync();

    /// <summary>Presses the power button. What the guest does about it is told to the sink.</summary>
    /// <param name="restart">Whether the guest is started anew when it powered off.</param>
    ValueTask<DomainFailure?> PressPowerButtonAsync(bool restart);

    /// <summary>Resets the machine at once.</summary>
    ValueTask<DomainFailure?> ResetAsync();

    /// <summary>Ends the machine.</summary>
    /// <param name="gracefully">Whether it must be given the time to end by itself; then it may fail.</param>
    ValueTask<DomainFailure?> EndAsync(bool gracefully);

    /// <summary>Asks the balloon to leave so much memory.</summary>
    ValueTask<DomainFailure?> SetMemoryAsync(ulong kib);

    /// <summary>Plugs a device in; no harm if it is in already.</summary>
    /// <param name="device">The device, with a name.</param>
    ValueTask<DomainFailure?> PlugAsync(DevicePart device);

    /// <summary>Asks the guest to let a device go. That it did is told to the sink.</summary>
    /// <param name="device">The device, as <see cref="Config"/> has it.</param>
    ValueTask<DomainFailure?> UnplugAsync(DevicePart device);

    /// <summary>Plugs the next processor in.</summary>
    /// <param name="index">Its number.</param>
    ValueTask<DomainFailure?> PlugProcessorAsync(int index);

    /// <summary>Pulls a network card's cable out, or plugs it in.</summary>
    ValueTask<DomainFailure?> SetLinkAsync(InterfaceConfig card, bool up);

    /// <summary>Limits the use of a disk.</summary>
    ValueTask<DomainFailure?> SetLimitsAsync(DiskConfig disk, IoTuneConfig limits);

    /// <summary>Gives a disk another size, in bytes.</summary>
    ValueTask<DomainFailure?> ResizeDiskAsync(DiskConfig disk, ulong size);

    /// <summary>What a disk takes.</summary>
    ValueTask<Outcome<DiskUse>> DiskUseAsync(DiskConfig disk);

    /// <summary>What it used so far.</summary>
    /// <param name="parts">What is wanted; of the rest, nothing is said.</param>
    ValueTask<MachineStatistics> StatisticsAsync(StatisticsParts parts);

    /// <summary>Has the guest tell of its memory so often; 0 for never.</summary>
    /// <param name="seconds">Seconds between.</param>
    ValueTask<DomainFailure?> SetStatisticsPeriodAsync(uint seconds);

    /// <summary>Opens the other end of a serial port, console or channel.</summary>
    /// <param name="device">The device, of <see cref="Config"/>.</param>
    /// <returns>A stream of bytes both ways.</returns>
    ValueTask<Outcome<Stream>> OpenAsync(CharacterConfig device);

    /// <summary>Takes a picture of a screen.</summary>
    /// <param name="video">The adapter, of <see cref="Config"/>.</param>
    /// <param name="head">Which of its screens, from 0 on.</param>
    ValueTask<Outcome<ScreenPicture>> TakePictureAsync(VideoConfig video, int head);
}

/// <summary>A picture of a screen.</summary>
/// <param name="MimeType">How it is encoded (RFC 6838).</param>
/// <param name="Content">Its bytes, to be read to the end; whoever has it disposes of it.</param>
public sealed record ScreenPicture(string MimeType, Stream Content);

/// <summary>Who is told what happens to a machine. Calls come in order; they must not block.</summary>
public interface IMachineSink
{
    /// <summary>The machine is gone; nothing follows.</summary>
    void Ended(MachineEnd end);

    /// <summary>The guest rebooted.</summary>
    void Rebooted();

    /// <summary>The guest panicked.</summary>
    void Panicked();

    /// <summary>The balloon has another size.</summary>
    void BalloonChanged(ulong kib);

    /// <summary>The guest has let a device go; it is out.</summary>
    /// <param name="alias">The name of the device.</param>
    void DeviceRemoved(string alias);

    /// <summary>The guest set its clock.</summary>
    /// <param name="seconds">How far it is ahead of what it showed at the start.</param>
    void ClockSet(long seconds);

    /// <summary>The guest let its watchdog expire.</summary>
    /// <param name="result">What that leads to; the machine does it by itself.</param>
    void WatchdogExpired(WatchdogResult result);

    /// <summary>A request to a disk failed.</summary>
    /// <param name="alias">The name of the disk.</param>
    /// <param name="result">What that leads to.</param>
    /// <param name="isFull">Whether it is because the host has no room left.</param>
    void DiskFailed(string alias, IoErrorResult result, bool isFull);

    /// <summary>Something happened to somebody who looks at the screen.</summary>
    /// <param name="phase">What.</param>
    /// <param name="connection">Between whom, as <see cref="DomainEventKind.Graphics"/> has it.</param>
    void Looked(GraphicsPhase phase, ValueList<string> connection);
}

/// <summary>How a machine ended.</summary>
public enum MachineEnd
{
    /// <summary>The guest powered off.</summary>
    PoweredOff,

    /// <summary>The guest asked to start anew, and the machine was told to end then.</summary>
    Rebooted,

    /// <summary>Somebody ended it.</summary>
    Ended,

    /// <summary>It failed.</summary>
    Crashed,
}
