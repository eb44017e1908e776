using System.Globalization;

namespace Hospes.Machine;

/// <summary>The processors as ACPI objects, for a machine into which further ones can be plugged (ACPI 6.5, 8.4 and 5.6.6).</summary>
internal static class ProcessorObjects
{
    /// <summary>The global system interrupt that tells of a processor that came.</summary>
    public const int EventGsi = 10;

    private const string Container = "\\_SB.CPUS", Region = "PRST", Flags = "PFLG";

    /// <summary>Notification: look whether the device is there (5.6.6).</summary>
    private const byte DeviceCheck = 1;

    /// <summary>What _STA says of a processor that is there: present, enabled, shown, working (6.3.7).</summary>
    private const ulong Working = 0xF;

    /// <summary>Adds the container and its processors.</summary>
    public static void Add(AmlWriter aml, MachineConfig config) => aml.Device("CPUS", container =>
    {
        container.Name("_HID", id => id.Text("ACPI0010")).Name("_CID", id => id.EisaId("PNP0A05"));
        for (int id = 0; id < config.MostVcpus; id++) AddProcessor(container, id);
    });

    /// <summary>What the event's method does: tells the operating system of each processor that is new.</summary>
    public static void Tell(AmlWriter method, MachineConfig config)
    {
        for (int id = config.Vcpus; id < config.MostVcpus; id++)
        {
            string path = $"{Container}.{Name(id)}";
            method.If(isNew =>
            {
                isNew.And().Path($"{path}.{Flags}").Integer(ProcessorPlug.IsNew).NoTarget();
                isNew.Store().Integer(ProcessorPlug.IsNew).Path($"{path}.{Flags}").Notify(path, DeviceCheck);
            });
        }
    }

    private static string Name(int id) => string.Create(CultureInfo.InvariantCulture, $"C{id:X3}");

    private static void AddProcessor(AmlWriter aml, int id) => aml.Device(Name(id), processor =>
    {
        processor.Name("_HID", value => value.Text("ACPI0007")).Name("_UID", value => value.Integer((ulong)id));
        processor.OperationRegion(Region, MachineLayout.ProcessorPlugBase + (ulong)id, 1).ByteField(Region, Flags);
        processor.Method("_STA", 0, true, body =>
        {
            body.If(present =>
            {
                present.And().Path(Flags).Integer(ProcessorPlug.IsPresent).NoTarget();
                present.Return().Integer(Working);
            });
            body.Return().Integer(0);
        });
        // Its entry in the multiple APIC table, as it is once it is there (6.2.10).
        processor.Name("_MAT", value => value.Buffer([0, 8, (byte)id, (byte)id, 1, 0, 0, 0]));
    });
}
