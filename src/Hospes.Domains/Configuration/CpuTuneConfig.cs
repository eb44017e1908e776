namespace Hospes.Domains.Configuration;

/// <summary>The element <c>cputune</c> (formatdomain, "CPU Tuning").</summary>
public sealed record CpuTuneConfig
{
    /// <summary>The weight among domains, 2 to 262144, or null.</summary>
    public ulong? Shares { get; init; }

    /// <summary>The time of each virtual processor.</summary>
    public CpuBandwidth Vcpus { get; init; }

    /// <summary>The time of the whole domain.</summary>
    public CpuBandwidth Whole { get; init; }

    /// <summary>The time of the threads that are no virtual processors.</summary>
    public CpuBandwidth Emulator { get; init; }

    /// <summary>Where virtual processors run that do not run where all do, in their order.</summary>
    public ValueList<VcpuPin> VcpuPins { get; init; } = [];

    /// <summary>Where the threads run that are no virtual processors; null for where all do.</summary>
    public ProcessorSet? EmulatorPin { get; init; }

    /// <summary>Whether shares or time are given: what needs control groups.</summary>
    public bool IsScheduled => Shares is not null || Vcpus.IsGiven || Whole.IsGiven || Emulator.IsGiven;

    /// <summary>This, with a virtual processor somewhere else.</summary>
    public CpuTuneConfig With(VcpuPin pin) => this with { VcpuPins = [.. VcpuPins.Where(other => other.Vcpu != pin.Vcpu).Append(pin).OrderBy(static pin => pin.Vcpu)] };
}

/// <summary>How much processor time there is.</summary>
/// <param name="Period">The length of a period in microseconds, 1000 to 1000000, or null.</param>
/// <param name="Quota">Processor time per period in microseconds, negative for no limit, or null.</param>
public readonly record struct CpuBandwidth(ulong? Period, long? Quota)
{
    /// <summary>The least and the most of <see cref="Period"/>.</summary>
    public const ulong LeastPeriod = 1000, MostPeriod = 1_000_000;

    /// <summary>The least and the most of <see cref="Quota"/> beside the negative ones (formatdomain: 17592186044415).</summary>
    public const long LeastQuota = 1000, MostQuota = 17592186044415;

    /// <summary>The period where none is given: the kernel's.</summary>
    public const ulong DefaultPeriod = 100_000;

    /// <summary>Whether any of it is given.</summary>
    public bool IsGiven => Period is not null || Quota is not null;
}

/// <summary>Where a virtual processor runs (<c>vcpupin</c>).</summary>
/// <param name="Vcpu">Its number.</param>
/// <param name="Processors">The host's processors.</param>
public sealed record VcpuPin(int Vcpu, ProcessorSet Processors);
