namespace Hospes.Domains.Configuration;

/// <summary>One device that comes or goes by itself: a closed set.</summary>
public abstract record DevicePart
{
    private DevicePart()
    {
    }

    /// <summary>The name of the device; null until it has one.</summary>
    public abstract string? Alias { get; }

    /// <summary>What people call it.</summary>
    public abstract string Words { get; }

    /// <summary>These devices, with this one.</summary>
    public abstract DeviceConfig AddTo(DeviceConfig devices);

    /// <summary>These devices without the one that this one names; null if there is none.</summary>
    public abstract DeviceConfig? RemoveFrom(DeviceConfig devices);

    /// <summary>The device that this one names (a disk by its target, a card by its address), as these devices have it; null if there is none.</summary>
    public abstract DevicePart? FindIn(DeviceConfig devices);

    /// <summary>These devices, with this one in place of the one that it names.</summary>
    public abstract DeviceConfig ReplaceIn(DeviceConfig devices);

    /// <summary>The device with a name, of those that can come and go; null if there is none.</summary>
    public static DevicePart? ByAlias(DeviceConfig devices, string alias)
    {
        if (devices.Disks.FirstOrDefault(disk => disk.Alias == alias) is { } disk) return new Disk(disk);
        if (devices.Interfaces.FirstOrDefault(card => card.Alias == alias) is { } card) return new Card(card);
        return devices.Rngs.FirstOrDefault(rng => rng.Alias == alias) is { } rng ? new Rng(rng) : null;
    }

    private static ValueList<T>? Without<T>(ValueList<T> items, Func<T, bool> match)
    {
        ValueList<T> rest = [.. items.Where(item => !match(item))];
        return rest.Count == items.Count ? null : rest;
    }

    /// <summary>A disk.</summary>
    public sealed record Disk(DiskConfig Config) : DevicePart
    {
        /// <inheritdoc/>
        public override string? Alias => Config.Alias;

        /// <inheritdoc/>
        public override string Words => $"disk {Config.Target}";

        /// <inheritdoc/>
        public override DeviceConfig AddTo(DeviceConfig devices) => devices with { Disks = [.. devices.Disks, Config] };

        /// <inheritdoc/>
        public override DeviceConfig? RemoveFrom(DeviceConfig devices) => Without(devices.Disks, Is) is { } rest ? devices with { Disks = rest } : null;

        /// <inheritdoc/>
        public override DevicePart? FindIn(DeviceConfig devices) => devices.Disks.FirstOrDefault(Is) is { } found ? new Disk(found) : null;

        /// <inheritdoc/>
        public override DeviceConfig ReplaceIn(DeviceConfig devices) => devices with { Disks = [.. devices.Disks.Select(disk => Is(disk) ? Config : disk)] };

        private bool Is(DiskConfig disk) => disk.Target == Config.Target;
    }

    /// <summary>A network card.</summary>
    public sealed record Card(InterfaceConfig Config) : DevicePart
    {
        /// <inheritdoc/>
        public override string? Alias => Config.Alias;

        /// <inheritdoc/>
        public override string Words => $"interface {Config.Mac}";

        /// <inheritdoc/>
        public override DeviceConfig AddTo(DeviceConfig devices) => devices with { Interfaces = [.. devices.Interfaces, Config] };

        /// <inheritdoc/>
        public override DeviceConfig? RemoveFrom(DeviceConfig devices) => Without(devices.Interfaces, Is) is { } rest ? devices with { Interfaces = rest } : null;

        /// <inheritdoc/>
        public override DevicePart? FindIn(DeviceConfig devices) => devices.Interfaces.FirstOrDefault(Is) is { } found ? new Card(found) : null;

        /// <inheritdoc/>
        public override DeviceConfig ReplaceIn(DeviceConfig devices) => devices with { Interfaces = [.. devices.Interfaces.Select(card => Is(card) ? Config : card)] };

        private bool Is(InterfaceConfig card) => card.Mac == Config.Mac && (Config.Mac is not null || card.Alias == Config.Alias);
    }

    /// <summary>A source of randomness.</summary>
    public sealed record Rng(RngConfig Config) : DevicePart
    {
        /// <inheritdoc/>
        public override string? Alias => Config.Alias;

        /// <inheritdoc/>
        public override string Words => "rng";

        /// <inheritdoc/>
        public override DeviceConfig AddTo(DeviceConfig devices) => devices with { Rngs = [.. devices.Rngs, Config] };

        /// <inheritdoc/>
        public override DeviceConfig? RemoveFrom(DeviceConfig devices) => FindIn(devices) is Rng found ? devices with { Rngs = [.. devices.Rngs.Where(rng => rng != found.Config)] } : null;

        /// <inheritdoc/>
        public override DevicePart? FindIn(DeviceConfig devices)
            => devices.Rngs.FirstOrDefault(rng => Config.Alias is null ? rng with { Alias = null } == Config : rng.Alias == Config.Alias) is { } found ? new Rng(found) : null;

        /// <inheritdoc/>
        public override DeviceConfig ReplaceIn(DeviceConfig devices) => devices;
    }
}
