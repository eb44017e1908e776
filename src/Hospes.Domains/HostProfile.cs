using Hospes.Domains.Configuration;

namespace Hospes.Domains;

/// <summary>What a host can give to domains: the measure for defaults and validation.</summary>
public sealed record HostProfile
{
    /// <summary>The one architecture.</summary>
    public const string Architecture = "x86_64";

    /// <summary>The one machine: QEMU's name for it.</summary>
    public const string Machine = "xenpvh";

    /// <summary>The model of security labels: what the kernel enforces on the processes of domains.</summary>
    public const string SecurityModel = "hospes";

    /// <summary>The types of systems, the default first.</summary>
    public static ValueList<string> OsTypes { get; } = ["hvm", "xenpvh"];

    /// <summary>The domain types that can be started here, the default first.</summary>
    public required ValueList<DomainType> Types { get; init; }

    /// <summary>The program of the machine, told in XML.</summary>
    public required string Emulator { get; init; }

    /// <summary>The most processors of a domain.</summary>
    public int MaximumVcpus { get; init; } = 64;

    /// <summary>Whether the machine has a balloon, so that it is there unless the configuration says otherwise.</summary>
    public bool HasBalloon { get; init; }

    /// <summary>Whether a domain can boot from a disk without a kernel beside it.</summary>
    public bool BootsFromDisk { get; init; }
}
