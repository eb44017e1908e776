using System.Text;
using System.Xml;
using Hospes.Domains.Configuration;
using static Hospes.Domains.Xml.DomainXmlWriter;

namespace Hospes.Domains.Xml;

/// <summary>Writes <c>devices</c>.</summary>
internal static class DeviceXmlWriter
{
    public static void Write(XmlWriter writer, DeviceConfig devices, bool live, bool secrets)
    {
        writer.WriteStartElement("devices");
        if (devices.Emulator is not null) writer.WriteElementString("emulator", devices.Emulator);
        foreach (DiskConfig disk in devices.Disks) Disk(writer, disk);
        foreach (ControllerConfig controller in devices.Controllers) Element(writer, "controller", ("type", controller.Type), ("index", Text(controller.Index)), ("model", controller.Model));
        GuestServiceXml.WriteFilesystems(writer, devices);
        foreach (InterfaceConfig card in devices.Interfaces) Interface(writer, card);
        foreach (CharacterConfig port in devices.Serials) Character(writer, "serial", port, live);
        foreach (CharacterConfig console in devices.Consoles) Character(writer, "console", console, live);
        foreach (CharacterConfig channel in devices.Channels) Character(writer, "channel", channel, live);
        ScreenXml.Write(writer, devices, secrets);
        GuestServiceXml.WriteWatchdogs(writer, devices);
        if (devices.Balloon is { } balloon) Balloon(writer, balloon);
        foreach (RngConfig rng in devices.Rngs) Rng(writer, rng);
        foreach (PanicConfig panic in devices.Panics) Panic(writer, panic);
        GuestServiceXml.WriteVsocks(writer, devices);
        writer.WriteEndElement();
    }

    private static void Disk(XmlWriter writer, DiskConfig disk)
    {
        writer.WriteStartElement("disk");
        writer.WriteAttributeString("type", disk.IsBlock ? "block" : "file");
        writer.WriteAttributeString("device", disk.Device);
        if (disk.Format is not null || disk.Cache is not null || disk.Discard is not null)
            Element(writer, "driver", ("name", "qemu"), ("type", disk.Format), ("cache", disk.Cache), ("discard", disk.Discard));
        if (disk.Source is not null) Element(writer, "source", (disk.IsBlock ? "dev" : "file", disk.Source));
        Element(writer, "target", ("dev", disk.Target), ("bus", disk.Bus));
        if (disk.ReadOnly) Element(writer, "readonly");
        if (disk.Shareable) Element(writer, "shareable");
        if (disk.IoTune.IsLimited) IoTune(writer, disk.IoTune);
        if (disk.Serial is not null) writer.WriteElementString("serial", disk.Serial);
        Boot(writer, disk.BootOrder);
        Alias(writer, disk.Alias);
        Address(writer, disk.Address);
        writer.WriteEndElement();
    }

    private static void IoTune(XmlWriter writer, IoTuneConfig limits)
    {
        writer.WriteStartElement("iotune");
        foreach (string name in IoTuneConfig.Names)
        {
            if (limits.Get(name) is > 0 and ulong value) writer.WriteElementString(name, Text(value));
        }
        writer.WriteEndElement();
    }

    /// <summary>Writes the document of one device.</summary>
    public static string Write(DevicePart part)
    {
        var text = new StringBuilder(512);
        using (var writer = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true }))
        {
            switch (part)
            {
                case DevicePart.Disk disk: Disk(writer, disk.Config); break;
                case DevicePart.Card card: Interface(writer, card.Config); break;
                case DevicePart.Rng rng: Rng(writer, rng.Config); break;
            }
        }
        return text.ToString();
    }

    private static void Interface(XmlWriter writer, InterfaceConfig card)
    {
        writer.WriteStartElement("interface");
        writer.WriteAttributeString("type", card.Type);
        if (card.Mac is not null) Element(writer, "mac", ("address", card.Mac));
        if (card.Network is not null) Element(writer, "source", ("network", card.Network));
        if (card.Target is not null || card.Unmanaged is not null)
            Element(writer, "target", ("dev", card.Target), ("managed", card.Unmanaged is { } unmanaged ? unmanaged ? "no" : "yes" : null));
        if (card.Model is not null) Element(writer, "model", ("type", card.Model));
        if (card.Backend is not null) Element(writer, "backend", ("type", card.Backend));
        BandwidthXml.Write(writer, card.Bandwidth);
        Boot(writer, card.BootOrder);
        if (!card.LinkUp) Element(writer, "link", ("state", "down"));
        if (card.Mtu is { } mtu) Element(writer, "mtu", ("size", Text(mtu)));
        Alias(writer, card.Alias);
        Address(writer, card.Address);
        writer.WriteEndElement();
    }

    private static void Character(XmlWriter writer, string name, CharacterConfig device, bool live)
    {
        writer.WriteStartElement(name);
        writer.WriteAttributeString("type", device.Type);
        // Clients find a running console's terminal by this attribute, too.
        if (live && name == "console" && device is { Type: "pty", Path: not null }) writer.WriteAttributeString("tty", device.Path);
        Source(writer, device);
        if (device.TargetType is not null || device.Port is not null || device.TargetName is not null)
        {
            writer.WriteStartElement("target");
            Attribute(writer, "type", device.TargetType);
            Attribute(writer, "name", device.TargetName);
            Attribute(writer, "port", device.Port is { } port ? Text(port) : null);
            if (device.TargetModel is not null) Element(writer, "model", ("name", device.TargetModel));
            writer.WriteEndElement();
        }
        Alias(writer, device.Alias);
        writer.WriteEndElement();
    }

    private static void Source(XmlWriter writer, CharacterConfig device)
    {
        string? mode = device.Type is "unix" or "tcp" ? device.Listens ? "bind" : "connect" : null;
        if (device.Path is null && device.Host is null && mode is null) return;
        Element(writer, "source", ("mode", mode), ("host", device.Host), ("service", device.Service), ("path", device.Path),
            ("append", device.Append is { } append ? append ? "on" : "off" : null));
        if (device.Type == "tcp") Element(writer, "protocol", ("type", "raw"));
    }

    private static void Balloon(XmlWriter writer, BalloonConfig balloon)
    {
        writer.WriteStartElement("memballoon");
        writer.WriteAttributeString("model", balloon.Model);
        Attribute(writer, "autodeflate", OnOff(balloon.Autodeflate));
        Attribute(writer, "freePageReporting", OnOff(balloon.FreePageReporting));
        if (balloon.StatsPeriod is { } period) Element(writer, "stats", ("period", Text(period)));
        Alias(writer, balloon.Alias);
        writer.WriteEndElement();
    }

    private static void Rng(XmlWriter writer, RngConfig rng)
    {
        writer.WriteStartElement("rng");
        writer.WriteAttributeString("model", rng.Model);
        writer.WriteStartElement("backend");
        writer.WriteAttributeString("model", rng.Backend);
        if (rng.Source is not null) writer.WriteString(rng.Source);
        writer.WriteEndElement();
        Alias(writer, rng.Alias);
        writer.WriteEndElement();
    }

    private static void Panic(XmlWriter writer, PanicConfig panic)
    {
        writer.WriteStartElement("panic");
        writer.WriteAttributeString("model", panic.Model);
        Alias(writer, panic.Alias);
        writer.WriteEndElement();
    }

    private static string? OnOff(bool? value) => value is { } known ? known ? "on" : "off" : null;

    private static void Boot(XmlWriter writer, uint? order)
    {
        if (order is { } number) Element(writer, "boot", ("order", Text(number)));
    }

    internal static void Alias(XmlWriter writer, string? alias)
    {
        if (alias is not null) Element(writer, "alias", ("name", alias));
    }

    private static void Address(XmlWriter writer, PciAddress? address)
    {
        if (address is null) return;
        Element(writer, "address", ("type", "pci"), ("domain", $"0x{address.Domain:x4}"), ("bus", $"0x{address.Bus:x2}"), ("slot", $"0x{address.Slot:x2}"), ("function", $"0x{address.Function:x}"));
    }
}
