using Hospes.Cli.CommandLine;
using Hospes.Cli.Run;
using Hospes.Domains;
using Hospes.Domains.Storage;
using DiskOptions = Hospes.Machine.DiskOptions;

namespace Hospes.Cli.Daemon;

/// <summary>Finds what to boot on a domain's disks, as <c>hospes run --disk</c> does, and puts it into the domain's folder.</summary>
internal sealed class HostBoot : IBootFinder
{
    public global::Hospes.Domains.Outcome<BootFiles> Extract(IReadOnlyList<(string Path, string? Format)> disks, string folder)
    {
        if (!DiskBoot.Load(disks.Select(static disk => new DiskOptions(disk.Path) { Format = disk.Format }), null).Succeeded(out DiskKernel? found, out Failure? nothing))
            return new DomainFailure(DomainError.OperationFailed, nothing.Cause);
        string kernel = Path.Combine(folder, "kernel"), initrd = Path.Combine(folder, "initrd");
        try
        {
            File.WriteAllBytes(kernel, found.Kernel);
            if (found.Initrd is not null) File.WriteAllBytes(initrd, found.Initrd);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new DomainFailure(DomainError.System, fault.Message.TrimEnd('.'));
        }
        return new BootFiles(kernel, found.Initrd is null ? null : initrd, found.Entry.CommandLine.Length == 0 ? null : found.Entry.CommandLine);
    }
}
