using Hospes.Domains;
using Hospes.Domains.Lifecycle;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.DomainProcedures;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>Dumps of memory, and what is long about them.</summary>
internal static class DumpProcedures
{
    /// <summary><c>VIR_DUMP_CRASH</c>, <c>_LIVE</c>, <c>_BYPASS_CACHE</c>, <c>_RESET</c>, <c>_MEMORY_ONLY</c></summary>
    private const uint Crash = 1, Live = 2, BypassCache = 4, Reset = 8, MemoryOnly = 16;

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Later<PlainDump, Nothing>(53, "virDomainCoreDump", Write, static (session, wish) => DumpAsync(session, new DumpWish(wish.Domain, wish.Path, 0, wish.Flags))),
        Later<DumpWish, Nothing>(334, "virDomainCoreDumpWithFormat", Write, DumpAsync),
        Now<DomainName, JobInformation>(163, "virDomainGetJobInfo", Read, static (session, name) => With<JobInformation>(session, name, domain =>
            domain.Now.IsActive ? new JobInformation(domain.Job, session.Host.Clock.GetUtcNow()) : LibvirtError.From(new DomainFailure(DomainError.InvalidState, "domain is not running")))),
        Now<DomainName, Nothing>(164, "virDomainAbortJob", Write, static (session, name) => With<Nothing>(session, name, static domain =>
        {
            if (domain.Job is not { } job) return LibvirtError.From(new DomainFailure(DomainError.InvalidState, "no job is active on the domain"));
            job.Cancel();
            return default(Nothing);
        })),
    ];

    private static ValueTask<Answer<Nothing>> DumpAsync(ClientSession session, DumpWish wish) => WithAsync<Nothing>(session, wish.Domain, async domain =>
    {
        if (Flags.Check(wish.Flags, Crash | Live | BypassCache | Reset | MemoryOnly, "virDomainCoreDumpWithFormat") is { } unknown) return unknown;
        if (!domain.Now.IsActive) return LibvirtError.From(new DomainFailure(DomainError.InvalidState, "domain is not running"));
        if ((wish.Flags & MemoryOnly) == 0) return LibvirtError.From(new DomainFailure(DomainError.UnsupportedOperation, "there are dumps of memory only (--memory-only)"));
        if (wish.Format != 0) return LibvirtError.From(new DomainFailure(DomainError.UnsupportedOperation, "dumpformat is not supported; there is 'elf'"));
        if ((wish.Flags & BypassCache) != 0) return LibvirtError.From(new DomainFailure(DomainError.UnsupportedOperation, "dumps that bypass the host's cache are not supported"));
        if ((wish.Flags & Crash) != 0 && (wish.Flags & (Live | Reset)) != 0) return LibvirtError.From(new DomainFailure(DomainError.InvalidArgument, "crash excludes live and reset"));
        return LifecycleProcedures.Nothing(await session.Host.DumpAsync(domain, wish.Path, (wish.Flags & Crash) != 0, (wish.Flags & Reset) != 0).ConfigureAwait(false));
    });

    /// <summary><c>remote_domain_core_dump_args</c></summary>
    private readonly record struct PlainDump(DomainName Domain, string Path, uint Flags) : IArguments<PlainDump>
    {
        public static PlainDump Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Text(), reader.UInt32());
    }

    /// <summary><c>remote_domain_core_dump_with_format_args</c></summary>
    private readonly record struct DumpWish(DomainName Domain, string Path, uint Format, uint Flags) : IArguments<DumpWish>
    {
        public static DumpWish Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Text(), reader.UInt32(), reader.UInt32());
    }

    /// <summary><c>remote_domain_get_job_info_ret</c>: <c>VIR_DOMAIN_JOB_NONE</c> or <c>_BOUNDED</c>, times in milliseconds, and amounts of all, of memory, of files.</summary>
    private readonly record struct JobInformation(DomainJob? Job, DateTimeOffset Now) : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.Int32(Job is null ? 0 : 1);
            ulong elapsed = Job is null ? 0 : (ulong)Math.Max(0, (Now - Job.Since).TotalMilliseconds), total = Job?.Total ?? 0, done = Math.Min(total, Job?.Done ?? 0);
            writer.UInt64(elapsed);
            writer.UInt64(0);
            foreach (ulong amount in (ReadOnlySpan<ulong>)[total, done, total - done, total, done, total - done, 0, 0, 0]) writer.UInt64(amount);
        }
    }
}
