using System.CommandLine;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Seed;
using Hospes.Machine;

namespace Hospes.Cli.Run;

/// <summary>A guest's devices with the seed disk that the command line asks for: a file that is there as long as the guest.</summary>
internal sealed class SeedDisk : IDisposable
{
    private readonly string? _file;

    private SeedDisk(IReadOnlyList<DeviceOptions> devices, string? file) => (Devices, _file) = (devices, file);

    /// <summary>The devices, the seed behind the other disks.</summary>
    public IReadOnlyList<DeviceOptions> Devices { get; }

    /// <summary>Makes the disk if it is asked for.</summary>
    /// <param name="options">The options that ask for it.</param>
    /// <param name="result">The command line.</param>
    /// <param name="devices">The guest's other devices.</param>
    /// <param name="clock">What the time is.</param>
    public static Outcome<SeedDisk> Attach(SeedOptions options, ParseResult result, IReadOnlyList<DeviceOptions> devices, TimeProvider clock)
    {
        if (!options.AreGiven(result)) return new SeedDisk(devices, null);
        if (!options.Read(result).Succeeded(out NoCloudSeed? seed, out Failure? failure)) return failure;
        try
        {
            string file = Path.GetTempFileName();
            File.WriteAllBytes(file, seed.ToDisk(clock.GetUtcNow()));
            var disk = new DiskOptions(file) { Format = "raw", IsReadOnly = true, Id = "seed", Drive = "seed" };
            int behind = devices.Count(static device => device is DiskOptions);
            return new SeedDisk([.. devices.Take(behind), disk, .. devices.Skip(behind)], file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new Failure(FailureKind.File, $"the seed disk cannot be written ({fault.Message.TrimEnd('.')})", "make room in the folder for temporary files (TMPDIR)");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_file is not null) File.Delete(_file);
    }
}
