using Hospes.Domains;
using Hospes.Domains.Configuration;
using Hospes.Domains.Lifecycle;

namespace Hospes.Libvirt.Procedures;

/// <summary>Flags of calls. One that is not known is refused, as everywhere in libvirt.</summary>
internal static class Flags
{
    /// <summary><c>VIR_DOMAIN_AFFECT_LIVE</c></summary>
    public const uint AffectLive = 1;

    /// <summary><c>VIR_DOMAIN_AFFECT_CONFIG</c></summary>
    public const uint AffectConfig = 2;

    /// <summary>An error if there are others than the known ones.</summary>
    public static LibvirtError? Check(uint flags, uint known, string function)
        => (flags & ~known) == 0 ? null : new LibvirtError(ErrorCode.InvalidArgument, ErrorDomain.Domain, $"unsupported flags (0x{flags & ~known:x}) in function {function}");

    /// <summary>What <c>VIR_DOMAIN_AFFECT_CURRENT</c> and its kin mean for a domain.</summary>
    public static (bool Live, bool Config) Affected(uint flags, bool active)
    {
        bool live = (flags & AffectLive) != 0, config = (flags & AffectConfig) != 0;
        return live || config ? (live, config) : (active, !active);
    }

    /// <summary>The configuration that a reader means by <c>VIR_DOMAIN_AFFECT_*</c>; null with the error if there is none.</summary>
    public static DomainConfig? Config(DomainSnapshot now, uint flags, out LibvirtError? missing)
    {
        (bool live, bool config) = Affected(flags, now.IsActive);
        if (live && config)
        {
            missing = LibvirtError.From(new DomainFailure(DomainError.InvalidArgument, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive"));
            return null;
        }
        DomainConfig? found = live ? now.Live : now.Definition;
        missing = found is not null ? null : LibvirtError.From(new DomainFailure(DomainError.InvalidState, live ? "domain is not running" : "transient domains do not have any persistent config"));
        return found;
    }
}
