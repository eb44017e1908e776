using Hospes.Domains.Catalogues;

namespace Hospes.Domains.Storage;

/// <summary>Storage pools and their volumes. What is in a folder is looked at when it is asked for: nobody need say that it changed. Thread-safe.</summary>
public sealed class StoragePools
{
    private readonly IDiskImages _images;
    private readonly Random _random;

    /// <summary>Opens the pools.</summary>
    /// <param name="images">Disk images.</param>
    /// <param name="folder">Where definitions are kept, or null to forget them with the daemon.</param>
    /// <param name="random">Where UUIDs come from.</param>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public StoragePools(IDiskImages images, string? folder = null, Random? random = null)
    {
        _images = images;
        _random = random ?? Random.Shared;
        Pools = new Catalogue<PoolConfig>("storage pool", DomainError.NoPool, folder);
    }

    /// <summary>The pools.</summary>
    public Catalogue<PoolConfig> Pools { get; }

    /// <summary>Learns what an earlier daemon left.</summary>
    /// <returns>What could not be read or started.</returns>
    public IReadOnlyList<string> Recover() => Pools.Recover(xml => PoolConfig.Read(xml, Identify), Check);

    /// <summary>Defines a pool.</summary>
    public Outcome<CatalogueItem<PoolConfig>> Define(string xml) => PoolConfig.Read(xml, Identify) is var config && config.Failure is { } fault ? fault : Pools.Define(config.Value);

    /// <summary>Makes a pool that is gone when it is stopped.</summary>
    /// <param name="xml">The document.</param>
    /// <param name="build">Whether its folder is made.</param>
    public Outcome<CatalogueItem<PoolConfig>> Create(string xml, bool build)
        => PoolConfig.Read(xml, Identify) is var config && config.Failure is { } fault ? fault : Pools.Create(config.Value, pool => build ? MakeFolder(pool) ?? Check(pool) : Check(pool));

    /// <summary>Starts a pool.</summary>
    /// <param name="uuid">The pool.</param>
    /// <param name="build">Whether its folder is made.</param>
    public Outcome<CatalogueItem<PoolConfig>> Start(Guid uuid, bool build) => Pools.Start(uuid, pool => build ? MakeFolder(pool) ?? Check(pool) : Check(pool));

    /// <summary>Makes the folder of a pool.</summary>
    public DomainFailure? Build(Guid uuid) => Inactive(uuid, MakeFolder);

    /// <summary>Removes the folder of a pool; it must be empty.</summary>
    public DomainFailure? Delete(Guid uuid) => Inactive(uuid, static pool =>
    {
        try
        {
            Directory.Delete(pool.Path);
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new DomainFailure(DomainError.System, $"failed to remove pool '{pool.Path}': {fault.Message.TrimEnd('.')}");
        }
    });

    /// <summary>Looks whether a pool is still what it was.</summary>
    public DomainFailure? Refresh(Guid uuid) => Active(uuid) is var pool && pool.Failure is { } fault ? fault : Check(pool.Value);

    /// <summary>The room of a pool; zeros for one that is not active.</summary>
    public static PoolUse Use(CatalogueItem<PoolConfig> pool)
    {
        if (!pool.IsActive) return new PoolUse(0, 0, 0);
        try
        {
            var drive = new DriveInfo(pool.Config.Path);
            return new PoolUse((ulong)drive.TotalSize, (ulong)(drive.TotalSize - drive.AvailableFreeSpace), (ulong)drive.AvailableFreeSpace);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new PoolUse(0, 0, 0);
        }
    }

    /// <summary>The volumes of an active pool, by name.</summary>
    public Outcome<Volume[]> List(Guid uuid)
    {
        Outcome<PoolConfig> pool = Active(uuid);
        if (pool.Failure is { } fault) return fault;
        try
        {
            return Volumes(pool.Value);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return new DomainFailure(DomainError.System, $"cannot open path '{pool.Value.Path}': {refused.Message.TrimEnd('.')}");
        }
    }

    /// <summary>The volume of a name in an active pool.</summary>
    public Outcome<Volume> Find(Guid uuid, string name)
        => Active(uuid) is var pool && pool.Failure is { } fault ? fault : Existing(pool.Value, name) is { } volume ? volume : new DomainFailure(DomainError.NoVolume, $"no storage vol with matching name '{name}'");

    /// <summary>The volume of a path in whatever active pool.</summary>
    public Outcome<Volume> FindPath(string path)
    {
        foreach (CatalogueItem<PoolConfig> pool in Pools.List())
        {
            if (pool.IsActive && Path.GetDirectoryName(path) == pool.Config.Path && Existing(pool.Config, Path.GetFileName(path)) is { } volume) return volume;
        }
        return new DomainFailure(DomainError.NoVolume, $"no storage vol with matching path '{path}'");
    }

    /// <summary>The volume of a name in the active pool of a name.</summary>
    public Outcome<Volume> Find(string pool, string name)
        => Pools.Find(pool) is var found && found.Failure is { } missing ? missing : Find(found.Value.Config.Uuid, name);

    /// <summary>What is in a volume.</summary>
    public Outcome<DiskImageInfo> Inspect(Volume volume) => _images.Inspect(volume.Path, null);

    /// <summary>Makes a volume.</summary>
    /// <param name="uuid">The pool.</param>
    /// <param name="xml">The document.</param>
    /// <param name="source">The volume whose content it gets, or null.</param>
    public Outcome<Volume> Create(Guid uuid, string xml, Volume? source)
    {
        Outcome<PoolConfig> pool = Active(uuid);
        if (pool.Failure is { } inactive) return inactive;
        Outcome<VolumeConfig> config = VolumeConfig.Read(xml);
        if (config.Failure is { } fault) return fault;
        VolumeConfig wanted = config.Value;
        string path = Path.Combine(pool.Value.Path, wanted.Name);
        if (Path.Exists(path)) return new DomainFailure(DomainError.VolumeExists, $"storage volume '{wanted.Name}' exists already");
        if (wanted.Image is { BackingPath: { } below, Capacity: 0 })
        {
            Outcome<DiskImageInfo> image = _images.Inspect(below, wanted.Image.BackingFormat);
            if (image.Failure is { } unreadable) return unreadable;
            wanted = wanted with { Image = wanted.Image with { Capacity = image.Value.Capacity } };
        }
        DomainFailure? failure = source is null ? _images.Create(path, wanted.Image with { IsReserved = wanted.Image.Format == "raw" && (wanted.Allocation ?? wanted.Image.Capacity) >= wanted.Image.Capacity })
            : _images.Copy(source.Path, null, path, wanted.Image);
        return failure is null ? new Volume(pool.Value.Name, wanted.Name, path) : failure;
    }

    /// <summary>Removes a volume.</summary>
    public static DomainFailure? Delete(Volume volume)
    {
        try
        {
            File.Delete(volume.Path);
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new DomainFailure(DomainError.System, $"cannot unlink file '{volume.Path}': {fault.Message.TrimEnd('.')}");
        }
    }

    /// <summary>Gives a volume another size, in bytes.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="capacity">The size, or the difference to the present one.</param>
    /// <param name="difference">Whether it is a difference.</param>
    /// <param name="shrink">Whether the volume may become smaller; with a difference, it does.</param>
    public DomainFailure? Resize(Volume volume, ulong capacity, bool difference, bool shrink)
    {
        Outcome<DiskImageInfo> image = Inspect(volume);
        if (image.Failure is { } unreadable) return unreadable;
        ulong now = image.Value.Capacity;
        if (capacity > long.MaxValue / 2) return new DomainFailure(DomainError.InvalidArgument, "the capacity is too large");
        if (difference) capacity = shrink ? now - Math.Min(now, capacity) : now + capacity;
        if (capacity < now && !shrink) return new DomainFailure(DomainError.InvalidArgument, "Can't shrink capacity below current capacity unless shrink flag explicitly specified");
        return _images.Resize(volume.Path, image.Value.Format, capacity);
    }

    /// <summary>Opens the bytes of a volume's file.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="write">Whether they are written rather than read.</param>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">How many, or 0 for all that follow.</param>
    public static Outcome<Stream> Open(Volume volume, bool write, ulong offset, ulong length)
    {
        try
        {
            var file = new FileStream(volume.Path, FileMode.Open, write ? FileAccess.Write : FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            if (offset > long.MaxValue || (!write && offset > (ulong)file.Length))
            {
                file.Dispose();
                return new DomainFailure(DomainError.InvalidArgument, "the offset is beyond the end of the volume");
            }
            file.Seek((long)offset, SeekOrigin.Begin);
            return length == 0 ? file : new LimitedStream(file, length);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new DomainFailure(DomainError.System, $"cannot open '{volume.Path}': {fault.Message.TrimEnd('.')}");
        }
    }

    private Guid Identify(string name) => Pools.Identify(name, _random);

    private static DomainFailure? Check(PoolConfig pool)
        => Directory.Exists(pool.Path) ? null : new DomainFailure(DomainError.System, $"cannot open directory '{pool.Path}': No such file or directory");

    private static DomainFailure? MakeFolder(PoolConfig pool)
    {
        try
        {
            Directory.CreateDirectory(pool.Path);
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new DomainFailure(DomainError.System, $"cannot create path '{pool.Path}': {fault.Message.TrimEnd('.')}");
        }
    }

    private DomainFailure? Inactive(Guid uuid, Func<PoolConfig, DomainFailure?> work)
    {
        Outcome<CatalogueItem<PoolConfig>> pool = Pools.Find(uuid);
        if (pool.Failure is { } missing) return missing;
        return pool.Value.IsActive ? new DomainFailure(DomainError.InvalidState, $"storage pool '{pool.Value.Config.Name}' is already active") : work(pool.Value.Config);
    }

    private Outcome<PoolConfig> Active(Guid uuid)
    {
        Outcome<CatalogueItem<PoolConfig>> pool = Pools.Find(uuid);
        if (pool.Failure is { } missing) return missing;
        return pool.Value.IsActive ? pool.Value.Config : new DomainFailure(DomainError.InvalidState, $"storage pool '{pool.Value.Config.Name}' is not active");
    }

    private static Volume[] Volumes(PoolConfig pool) => [.. Directory.EnumerateFiles(pool.Path).Order(StringComparer.Ordinal).Where(IsFile).Select(path => new Volume(pool.Name, Path.GetFileName(path), path))];

    private static Volume? Existing(PoolConfig pool, string name)
        => StorageXml.BadName(name) is null && Path.Combine(pool.Path, name) is var path && IsFile(path) ? new Volume(pool.Name, name, path) : null;

    /// <summary>Whether it is a plain file: pipes and sockets would hold up whoever opens them.</summary>
    private static bool IsFile(string path) => File.Exists(path) && !OperatingSystem.IsWindows() && (File.GetAttributes(path) & (FileAttributes.Device | FileAttributes.Directory)) == 0;
}
