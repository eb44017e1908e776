using Hospes.Machine;

namespace Hospes.Vmm.CommandLine;

/// <summary>Collects the units of SCSI host devices (<c>-device scsi-hd</c>, <c>-device scsi-cd</c>).</summary>
internal sealed class ScsiArguments(IDeviceReferences references)
{
    private const int MostUnits = Virtio.ScsiDevice.MostUnits, MostQueues = 16, Highest = 255;

    private readonly List<Bus> _buses = [];

    /// <summary>Reads a host device.</summary>
    public ScsiOptions ReadHost(OptionReader reader, string? id)
    {
        _buses.Add(new Bus($"{id ?? "scsi"}.0"));
        return new ScsiOptions { Queues = (int)(reader.Number("num_queues", 1, MostQueues) ?? 1) };
    }

    /// <summary>The host device that was read last stands for its bus among the others.</summary>
    public void Place(DeviceOptions host) => _buses[^1].Place = host;

    /// <summary>The device with its units, if it is a host device.</summary>
    public DeviceOptions Complete(DeviceOptions device) =>
        _buses.Find(bus => ReferenceEquals(bus.Place, device)) is { } bus ? (ScsiOptions)device with { Units = bus.Units } : device;

    /// <summary>Reads a unit.</summary>
    public void ReadUnit(OptionReader reader, DeviceModel model, string? id)
    {
        bool isDrive = model.Name == DeviceModels.ScsiDrive;
        string? wanted = reader.Text("bus"), drive = reader.Text("drive");
        long? target = reader.Number("scsi-id", 0, Highest);
        long lun = reader.Number("lun", 0, Highest) ?? 0;
        string serial = DeviceArguments.ReadSerial(reader, model);
        Bus? bus = wanted is null ? _buses.FirstOrDefault() : _buses.Find(bus => bus.Name == wanted);
        if (bus is null) reader.Fail(wanted is null ? $"No 'SCSI' bus found for device '{model.Name}'" : $"Bus '{wanted}' not found");
        else if (bus.Units.Count == MostUnits) reader.Fail($"Bus '{bus.Name}' has {MostUnits} devices, which are all that it takes");
        if (drive is null && !isDrive) reader.Fail("drive property not set");
        if (reader.Error is not null) return;
        target ??= Enumerable.Range(0, Highest + 1).First(free => bus!.Find(free, (int)lun) is null);
        if (bus!.Find((int)target, (int)lun) is { } other) reader.Fail($"lun already used by '{other.Disk.Id ?? other.Disk.Drive}'");
        DiskOptions? disk = drive is null ? new DiskOptions("") : references.TakeDisk(model.Name, drive, out string? error) is { } taken ? taken : Refuse(error!);
        if (disk is { IsEmpty: true } && !isDrive) reader.Fail("Device needs media, but drive is empty");
        if (reader.Error is not null) return;
        disk = disk! with { Id = id, Serial = serial, IsReadOnly = isDrive || disk.IsReadOnly };
        bus.Units.Add(new ScsiUnitOptions(disk) { IsDrive = isDrive, Target = (int)target, Lun = (int)lun });

        DiskOptions? Refuse(string words)
        {
            reader.Fail(words);
            return null;
        }
    }

    /// <summary>The units of a host device.</summary>
    private sealed class Bus(string name)
    {
        public string Name => name;

        public DeviceOptions? Place { get; set; }

        public List<ScsiUnitOptions> Units { get; } = [];

        public ScsiUnitOptions? Find(int target, int lun) => Units.Find(unit => unit.Target == target && unit.Lun == lun);
    }
}
