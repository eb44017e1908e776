using System.Globalization;
using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Lifecycle;

namespace Hospes.Domains;

public sealed partial class DomainHost
{
    /// <summary>Writes a running domain's memory and registers into a file, as a core of its kernel. The guest is held meanwhile, and the file is gone if that fails.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="path">The file; what is there is lost.</param>
    /// <param name="end">Whether the domain ends then, as if it crashed.</param>
    /// <param name="reset">Whether it is reset then.</param>
    public async ValueTask<Outcome<Done>> DumpAsync(ManagedDomain domain, string path, bool end, bool reset)
    {
        if (!Path.IsPathRooted(path)) return new DomainFailure(DomainError.InvalidArgument, $"the path '{path}' is not absolute");
        Outcome<Done> outcome = await WithMachineAsync(domain, async (now, machine) =>
        {
            if (await DumpNowAsync(domain, now.Live!, machine, path).ConfigureAwait(false) is { } failure) return failure;
            if (end) return await StopNowAsync(domain, ShutoffReason.Crashed).ConfigureAwait(false);
            return reset ? await machine.ResetAsync().ConfigureAwait(false) : null;
        }).ConfigureAwait(false);
        _registry.Sweep(domain);
        return outcome;
    }

    /// <summary>Writes the dump that a definition wants of a guest that crashed. That there may be none changes nothing for the domain.</summary>
    private async ValueTask DumpCrashedAsync(ManagedDomain domain, IMachine machine)
    {
        DomainSnapshot now = domain.Now;
        if (now.Live!.OnCrash is not (LifecycleAction.CoredumpDestroy or LifecycleAction.CoredumpRestart) || _options.DumpFolder is not { } folder) return;
        string name = string.Create(CultureInfo.InvariantCulture, $"{now.Id}-{now.Name}-{Clock.GetUtcNow():yyyy-MM-dd-HH:mm:ss}");
        await DumpNowAsync(domain, now.Live, machine, Path.Combine(folder, name)).ConfigureAwait(false);
    }

    private async ValueTask<DomainFailure?> DumpNowAsync(ManagedDomain domain, DomainConfig live, IMachine machine, string path)
    {
        const ulong unit = 1024;
        DomainFailure? failure;
        using var job = new DomainJob(live.MemoryKiB * unit, Clock.GetUtcNow());
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            var file = new FileStream(path, options);
            await using (file.ConfigureAwait(false))
            {
                domain.Job = job;
                failure = await machine.DumpAsync(file, job).ConfigureAwait(false);
            }
            if (failure is not null) File.Delete(path);
            return failure;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new DomainFailure(DomainError.System, $"failed to create file '{path}': {fault.Message.TrimEnd('.')}");
        }
        finally
        {
            domain.Job = null;
        }
    }
}
