using Hospes.Domains.Configuration;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Operations;
using Hospes.Domains.Persistence;
using Hospes.Domains.Xml;

namespace Hospes.Domains;

public sealed partial class DomainHost
{
    /// <summary>What the journal says of a start: how it was asked for, and whether its steps have hooks among them.</summary>
    private const string PausedArgument = "paused", HooksArgument = "hooks";

    private bool HasHooks => _options.Hooks is { Any: true };

    /// <summary>Ends a domain that was to end with whoever started it, unless it ended meanwhile.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="id">The id that it had.</param>
    public void EndWithItsStarter(ManagedDomain domain, int id) => _background.Start(async () =>
    {
        await WithMachineAsync(domain, (now, _) => now.Id == id ? StopNowAsync(domain, ShutoffReason.Destroyed) : ValueTask.FromResult<DomainFailure?>(null)).ConfigureAwait(false);
        _registry.Sweep(domain);
    });

    private static string? StartArgument(StartOptions options, bool hooks) => (options.Paused, hooks) switch
    {
        (false, false) => null,
        (true, false) => PausedArgument,
        (false, true) => HooksArgument,
        _ => $"{PausedArgument},{HooksArgument}",
    };

    private static bool HasWord(string? argument, string word) => argument is not null && argument.Split(',').Contains(word);

    private static StartOptions OptionsOf(LiveState state) => new() { Paused = HasWord(state.Argument, PausedArgument), AutoDestroy = state.AutoDestroy };

    /// <summary>A step that asks the hooks whether a start may go on, and is undone by telling them that it does not.</summary>
    private MicroOperation HookStep(ManagedDomain domain, DomainConfig config, (string Moment, string Phase) when, (string Moment, string Phase)? undo)
    {
        string xml = DomainXmlWriter.Write(config, secrets: false);
        return new MicroOperation($"run the hook '{when.Moment} {when.Phase}'", () => RunHookAsync(domain, xml, when), undo is { } after ? $"run the hook '{after.Moment} {after.Phase}'" : null,
            undo is { } end ? async () => await RunHookAsync(domain, xml, end).ConfigureAwait(false) : null);
    }

    /// <summary>Tells the hooks that a domain ended. What they say cannot change that.</summary>
    private async ValueTask RunEndHooksAsync(ManagedDomain domain, DomainConfig config)
    {
        if (!HasHooks) return;
        string xml = DomainXmlWriter.Write(config, secrets: false);
        await RunHookAsync(domain, xml, ("stopped", "end")).ConfigureAwait(false);
        await RunHookAsync(domain, xml, ("release", "end")).ConfigureAwait(false);
    }

    private ValueTask<DomainFailure?> RunHookAsync(ManagedDomain domain, string xml, (string Moment, string Phase) when)
        => _options.Hooks is { } hooks ? hooks.RunAsync(domain.Now.Name, when.Moment, when.Phase, xml) : ValueTask.FromResult<DomainFailure?>(null);
}
