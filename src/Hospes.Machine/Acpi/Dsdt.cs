namespace Hospes.Machine;

/// <summary>The differentiated system description table: the devices that can't be found by looking, as AML.</summary>
internal static class Dsdt
{
    /// <summary>The global system interrupts of the devices.</summary>
    public const int SerialGsi = 4, ClockGsi = 8, EventGsi = 9;

    /// <summary>Notification of a button's press (ACPI 6.5, 5.6.6).</summary>
    private const byte ButtonPressed = 0x80;

    /// <summary>What the bridge's _OSC lets the operating system control (PCI Firmware 3.3, 4.5.1): native hot-plug, PME, advanced errors and
    /// the capability structure. Standard hot-plug controllers (bit 1) do not exist here.</summary>
    private const ulong GrantedControl = 0x1D;

    /// <summary>The bits by which _OSC answers: an unknown UUID, an unknown revision, a control that was not granted.</summary>
    private const ulong UnknownUuid = 4, UnknownRevision = 8, ControlMasked = 16;

    /// <summary>33DB4D5B-1FF7-401C-9657-7441C03DD766, a PCI host bridge's _OSC, in the byte order of <c>ToUUID</c>.</summary>
    private static readonly byte[] s_bridgeUuid = new Guid("33DB4D5B-1FF7-401C-9657-7441C03DD766").ToByteArray();

    public static byte[] Build(MachineConfig config)
    {
        var aml = new AmlWriter();
        aml.Scope("\\_SB", body =>
        {
            if (config.HasPci) AddPci(body, config);
            AddBoard(body, config);
            AddSerial(body);
            AddClock(body);
            AddPanicNotice(body);
            if (config.GenerationId is not null) AddGeneration(body);
            if (config.MostVcpus > config.Vcpus) ProcessorObjects.Add(body, config);
            AddEvents(body, config);
        });
        aml.Name("\\_S5", value => value.Package(4, states => states.Integer(AcpiPower.SoftOff).Integer(0).Integer(0).Integer(0)));
        return new AcpiTable("DSDT", 2).Bytes(aml.ToArray()).ToArray();
    }

    private static void AddPci(AmlWriter aml, MachineConfig config)
    {
        var windows = new ResourceTemplate().Buses(0, 255).Ports(PortMap.PciAddress, 8).Window32(config.PciMmioBase, config.PciMmioSize);
        if (config.PciMmioHighSize != 0) windows.Window64(config.PciMmioHighBase, config.PciMmioHighSize);
        aml.Device("PCI0", bridge =>
        {
            bridge.Name("_HID", id => id.EisaId("PNP0A08")).Name("_CID", id => id.EisaId("PNP0A03"));
            bridge.Name("_SEG", value => value.Integer(0)).Name("_BBN", value => value.Integer(0)).Name("_UID", value => value.Integer(0));
            bridge.Name("_CCA", value => value.Integer(1));
            bridge.Name("_CRS", value => value.Buffer(windows.ToArray()));
            bridge.Name("_PRT", value => value.Package(PciBus.Slots * PciHostBridge.InterruptLines, AddRoutes));
            bridge.Method("_OSC", 4, true, AddOsc);
        });
    }

    /// <summary>The motherboard claims what belongs to no other device: the power registers, and the configuration window, which an operating
    /// system believes in only then (PCI Firmware 3.3, 4.1.2).</summary>
    private static void AddBoard(AmlWriter aml, MachineConfig config)
    {
        var resources = new ResourceTemplate().Ports(PortMap.SleepControl, 2);
        if (config.HasPci) resources.Memory(config.PciEcamBase, config.PciEcamSize);
        Device(aml, "MBRD", "PNP0C02", resources);
    }

    private static void AddRoutes(AmlWriter routes)
    {
        var root = new PciBus(upstream: null);
        for (int slot = 0; slot < PciBus.Slots; slot++)
        {
            for (int pin = 0; pin < PciHostBridge.InterruptLines; pin++)
            {
                ulong address = (ulong)slot << 16 | 0xFFFF;
                int gsi = root.GsiOf(slot, pin);
                routes.Package(4, route => route.Integer(address).Integer((ulong)pin).Integer(0).Integer((ulong)gsi));
            }
        }
    }

    /// <summary>_OSC (ACPI 6.5, 6.2.11): arguments are UUID, revision, count and a buffer of status, support and control.</summary>
    private static void AddOsc(AmlWriter method)
    {
        method.CreateDWordField(source => source.Argument(3), 0, "CDW1");
        method.If(ours =>
        {
            ours.Equal().Argument(0).Buffer(s_bridgeUuid);
            ours.CreateDWordField(source => source.Argument(3), 8, "CDW3");
            ours.Store().Path("CDW3").Local(0);
            ours.And().Local(0).Integer(GrantedControl).Local(0);
            ours.If(other => Flag(other.Not().Equal().Argument(1).Integer(1), UnknownRevision));
            ours.If(less => Flag(less.Not().Equal().Path("CDW3").Local(0), ControlMasked));
            ours.Store().Local(0).Path("CDW3");
        });
        method.Else(unknown => Flag(unknown, UnknownUuid));
        method.Return().Argument(3);

        static void Flag(AmlWriter body, ulong bit) => body.Or().Path("CDW1").Integer(bit).Path("CDW1");
    }

    private static void AddSerial(AmlWriter aml) =>
        Device(aml, "COM1", "PNP0501", new ResourceTemplate().Ports(PortMap.Serial, 8).EdgeInterrupt(SerialGsi));

    private static void AddClock(AmlWriter aml) =>
        Device(aml, "RTC", "PNP0B00", new ResourceTemplate().Ports(PortMap.Clock, 2).EdgeInterrupt(ClockGsi));

    private static void AddPanicNotice(AmlWriter aml) => aml.Device("PEVT", device =>
    {
        device.Name("_HID", id => id.Text("QEMU0001"));
        device.Name("_CRS", value => value.Buffer(new ResourceTemplate().Ports(PortMap.PanicNotice, 1).ToArray()));
        device.Name("_STA", value => value.Integer(0xF));
    });

    /// <summary>Where the generation id is (Virtual Machine Generation ID, "Device Discovery"): ADDR gives the two halves of the address.</summary>
    private static void AddGeneration(AmlWriter aml) => aml.Device("VGEN", device =>
    {
        device.Name("_HID", id => id.Text("HSPS0001")).Name("_CID", id => id.Text("VM_Gen_Counter")).Name("_DDN", name => name.Text("VM_Gen_Counter"));
        device.Name("ADDR", value => value.Package(2, halves => halves.Integer(MachineLayout.GenerationId & uint.MaxValue).Integer(MachineLayout.GenerationId >> 32)));
    });

    /// <summary>A control-method power button, and the generic event device that tells of its press and of what else comes (ACPI 6.5, 4.8.3.1
    /// and 5.6.9).</summary>
    private static void AddEvents(AmlWriter aml, MachineConfig config)
    {
        bool plugs = config.MostVcpus > config.Vcpus;
        ResourceTemplate lines = new ResourceTemplate().EdgeInterrupt(EventGsi);
        if (plugs) lines.EdgeInterrupt(ProcessorObjects.EventGsi);
        aml.Device("PWRB", button => button.Name("_HID", id => id.EisaId("PNP0C0C")).Name("_UID", value => value.Integer(0)));
        aml.Device("GED", device =>
        {
            device.Name("_HID", id => id.Text("ACPI0013")).Name("_UID", value => value.Integer(0));
            device.Name("_CRS", value => value.Buffer(lines.ToArray()));
            device.Method("_EVT", 1, true, body =>
            {
                body.If(ours => ours.Equal().Argument(0).Integer(EventGsi).Notify("\\_SB.PWRB", ButtonPressed));
                if (plugs) body.If(ours => ProcessorObjects.Tell(ours.Equal().Argument(0).Integer(ProcessorObjects.EventGsi), config));
            });
        });
    }

    private static void Device(AmlWriter aml, string name, string id, ResourceTemplate resources) => aml.Device(name, device =>
    {
        device.Name("_HID", value => value.EisaId(id)).Name("_UID", value => value.Integer(0));
        device.Name("_CRS", value => value.Buffer(resources.ToArray()));
    });
}
