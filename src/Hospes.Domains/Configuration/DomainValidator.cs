using Hospes.Domains.Xml;

namespace Hospes.Domains.Configuration;

/// <summary>The third phase: whether a complete configuration makes sense, and whether this host's machine can be it.</summary>
public static class DomainValidator
{
    /// <summary>The longest name of a device: names of what is behind it are made of it.</summary>
    private const int MaximumAlias = 28;

    /// <summary>The least memory that anything boots in.</summary>
    private const ulong MinimumMemoryKiB = 1024;

    /// <summary>The first thing that is wrong, or null.</summary>
    /// <param name="config">The configuration, with defaults.</param>
    /// <param name="host">What the host has.</param>
    public static DomainFailure? Check(DomainConfig config, HostProfile host)
        => CheckIdentity(config) ?? CheckMachine(config, host) ?? CheckProcessors(config, host) ?? CheckDisks(config.Devices) ?? CheckInterfaces(config.Devices) ?? CheckCharacters(config.Devices) ?? ScreenRules.Check(config.Devices) ?? GuestServiceRules.Check(config) ?? Drivers.ClockArguments.Check(config.Clock)
            ?? CheckPlaces(config.Devices);

    private static DomainFailure? CheckIdentity(DomainConfig config)
    {
        string name = config.Name;
        if (name.Length == 0) return Invalid("missing domain name information");
        // Names become names of files.
        if (name.Contains('/', StringComparison.Ordinal)) return Invalid($"name {name} cannot contain '/'");
        if (name is "." or "..") return Invalid($"name {name} is a name of folders");
        if (name.AsSpan().ContainsAny('\n', '\0')) return Invalid("name cannot contain a line break");
        if (System.Text.Encoding.UTF8.GetByteCount(name) > 200) return Invalid("name is longer than 200 bytes");
        if (name.AsSpan().Trim().Length == 0) return Invalid("name must contain at least one character that is no blank");
        if (config.Title?.Contains('\n', StringComparison.Ordinal) == true) return Invalid("Domain title can't contain newlines");
        return null;
    }

    private static DomainFailure? CheckMachine(DomainConfig config, HostProfile host)
    {
        if (!host.Types.Contains(config.Type)) return Unsupported($"domains of the type '{DomainWords.Word(config.Type)}' cannot run on this host");
        if (!HostProfile.OsTypes.Contains(config.Os.Type) || config.Os.Architecture != HostProfile.Architecture)
            return Unsupported($"no machine for the os type '{config.Os.Type}' and the architecture '{config.Os.Architecture}'");
        if (config.Os.Machine != HostProfile.Machine) return Unsupported($"the machine '{config.Os.Machine}' is not known; there is '{HostProfile.Machine}'");
        if (config.Os.Kernel is null && (config.Os.Initrd is not null || config.Os.CommandLine is not null)) return Invalid("an initrd or a command line needs a kernel");
        if (config.Os.Kernel is null && !host.BootsFromDisk && !host.Types.Contains(DomainType.Test)) return Unsupported("there is no firmware: <os> needs a <kernel>");
        if (config.MemoryKiB == 0) return Invalid("missing memory size");
        if (config.MemoryKiB < MinimumMemoryKiB) return Unsupported($"{config.MemoryKiB} KiB of memory are too little");
        if (config.OnReboot == LifecycleAction.RenameRestart || config.OnPowerOff == LifecycleAction.RenameRestart || config.OnCrash == LifecycleAction.RenameRestart)
            return Unsupported("the action 'rename-restart' is not supported");
        if (config.OnPowerOff is LifecycleAction.CoredumpDestroy or LifecycleAction.CoredumpRestart || config.OnReboot is LifecycleAction.CoredumpDestroy or LifecycleAction.CoredumpRestart)
            return Invalid("dumps are for crashes only");
        return null;
    }

    private static DomainFailure? CheckProcessors(DomainConfig config, HostProfile host)
    {
        if (config.Vcpus.Maximum > host.MaximumVcpus) return Unsupported($"Maximum CPUs greater than specified machine type limit {host.MaximumVcpus}");
        if (config.Cpu?.Topology is not { } topology) return null;
        long product = (long)topology.Sockets * topology.Dies * topology.Cores * topology.Threads;
        return product == config.Vcpus.Maximum ? null : Unsupported("CPU topology doesn't match maximum vcpu count");
    }

    private static DomainFailure? CheckDisks(DeviceConfig devices)
    {
        var targets = new HashSet<string>();
        var orders = new HashSet<uint>();
        foreach (DiskConfig disk in devices.Disks)
        {
            if (!targets.Add(disk.Target)) return Invalid($"target '{disk.Target}' duplicated for disk sources");
            if (disk.Bus != "virtio") return Unsupported($"the disk bus '{disk.Bus}' of '{disk.Target}' is not supported by this machine; there is 'virtio'");
            if (disk.Format is not ("raw" or "qcow2")) return Unsupported($"unsupported disk format '{disk.Format}' of '{disk.Target}'");
            if (disk.Cache is not (null or "writeback")) return Unsupported($"unsupported cache mode '{disk.Cache}' of '{disk.Target}'");
            if (disk.IoTune.Fault() is { } limits) return Invalid(limits);
            if (disk.Source is null && disk.Device == "cdrom") continue;
            if (disk.Source is null) return Invalid($"disk '{disk.Target}' does not have any source path");
            if (disk.Source.Contains('\0', StringComparison.Ordinal) || !Path.IsPathRooted(disk.Source)) return Invalid($"the path '{disk.Source}' is not absolute");
            if (disk.BootOrder is { } order && !orders.Add(order)) return Invalid($"boot order '{order}' used for more than one device");
        }
        foreach (InterfaceConfig card in devices.Interfaces)
        {
            if (card.BootOrder is { } order && !orders.Add(order)) return Invalid($"boot order '{order}' used for more than one device");
        }
        return null;
    }

    private static DomainFailure? CheckInterfaces(DeviceConfig devices)
    {
        foreach (InterfaceConfig card in devices.Interfaces)
        {
            if (card.Model != "virtio") return Unsupported($"the network card '{card.Model}' is not supported by this machine; there is 'virtio'");
            if (card.Target is { } target && (target.Length is 0 or > 15 || target.AsSpan().ContainsAny('/', ' ', ','))) return Invalid($"'{target}' is no name of a network device");
            if (card.Target is not null && card.Type != "ethernet") return Unsupported($"an interface of the type '{card.Type}' has no target device");
        }
        return null;
    }

    private static DomainFailure? CheckCharacters(DeviceConfig devices)
    {
        if (devices.Serials.Count > 1) return Unsupported("this machine has one serial port");
        foreach (CharacterConfig port in devices.Serials)
        {
            if (port.TargetType != "isa-serial" || port.Port != 0) return Unsupported($"a serial port of the type '{port.TargetType}' with the number {port.Port} is not supported by this machine");
        }
        foreach (CharacterConfig console in devices.Consoles)
        {
            if (console.TargetType is not ("serial" or "virtio")) return Unsupported($"consoles of the type '{console.TargetType}' are not supported by this machine");
        }
        var names = new HashSet<string>();
        foreach (CharacterConfig channel in devices.Channels)
        {
            if (channel.TargetName is { } name && !names.Add(name)) return Invalid($"channel name '{name}' used more than once");
        }
        return null;
    }

    private static DomainFailure? CheckPlaces(DeviceConfig devices)
    {
        if (devices.Panics.Count(static panic => panic.Model == "isa") > 1) return Invalid("only one 'isa' panic device is supported");
        if (RootBus.Taken(devices) is var taken && taken > RootBus.Slots) return Unsupported($"the bus has {RootBus.Slots} places, and {taken} are needed");
        IEnumerable<string?> aliases = [.. devices.Disks.Select(static disk => disk.Alias), .. devices.Interfaces.Select(static card => card.Alias), .. devices.Rngs.Select(static rng => rng.Alias),
            .. devices.Panics.Select(static panic => panic.Alias), .. devices.Inputs.Select(static input => input.Alias), .. devices.Videos.Select(static video => video.Alias),
            .. devices.Filesystems.Select(static share => share.Alias), .. devices.Watchdogs.Select(static watchdog => watchdog.Alias), .. devices.Vsocks.Select(static vsock => vsock.Alias),
            .. devices.Serials.Concat(devices.Consoles).Concat(devices.Channels).Select(static device => device.Alias), devices.Balloon?.Alias];
        foreach (string alias in aliases.OfType<string>())
        {
            if (alias.Length is 0 or > MaximumAlias || !char.IsAsciiLetter(alias[0]) || !alias.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_'))
                return Invalid($"Invalid alias '{alias}': up to {MaximumAlias} letters, digits, '-' and '_', a letter first");
        }
        var places = new HashSet<PciAddress>();
        foreach (PciAddress? place in devices.Disks.Select(static disk => disk.Address).Concat(devices.Interfaces.Select(static card => card.Address)))
        {
            if (place is null) continue;
            if (place.Domain != 0 || place.Bus != 0 || place.Slot == 0) return Unsupported("devices are on bus 0 of domain 0, from slot 1 on");
            if (!places.Add(place)) return Invalid($"Attempted double use of PCI Address {place.Domain:x4}:{place.Bus:x2}:{place.Slot:x2}.{place.Function}");
        }
        return null;
    }

    private static DomainFailure Invalid(string detail) => new(DomainError.InvalidXml, detail);

    private static DomainFailure Unsupported(string detail) => new(DomainError.UnsupportedConfiguration, detail);
}
