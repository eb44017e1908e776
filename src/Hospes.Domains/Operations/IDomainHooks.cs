namespace Hospes.Domains.Operations;

/// <summary>Programs of the host's owner that are run at moments of domains' lives, as libvirt's hooks are (hooks.html, "qemu"). Thread-safe.</summary>
public interface IDomainHooks
{
    /// <summary>Whether there is any program now.</summary>
    bool Any { get; }

    /// <summary>Runs the programs, one after the other.</summary>
    /// <param name="domain">The domain's name.</param>
    /// <param name="moment">When: <c>prepare</c>, <c>start</c>, <c>started</c>, <c>stopped</c>, <c>release</c>.</param>
    /// <param name="phase"><c>begin</c> or <c>end</c>.</param>
    /// <param name="xml">The domain's document, which the programs read from their standard input.</param>
    /// <returns>The first failure, after which no further program is run; or null.</returns>
    ValueTask<DomainFailure?> RunAsync(string domain, string moment, string phase, string xml);
}
