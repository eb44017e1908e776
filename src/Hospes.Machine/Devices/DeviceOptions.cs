namespace Hospes.Machine;

/// <summary>One device of a domain: a closed set of kinds.</summary>
public abstract record DeviceOptions;

/// <summary>A source of entropy from the host's generator (virtio-rng).</summary>
public sealed record EntropyOptions : DeviceOptions;

/// <summary>A console beside the serial port (virtio-console, <c>hvc0</c> in Linux). Its output goes where the serial port's goes, and what people
/// type goes into it instead of into the serial port.</summary>
public sealed record ConsoleOptions : DeviceOptions;

/// <summary>Why what is behind a device can't be opened.</summary>
/// <param name="Cause">What is wrong: a clause without a full stop.</param>
/// <param name="Remedy">What to do about it: a clause without a full stop.</param>
public sealed record DeviceFailure(string Cause, string Remedy);
