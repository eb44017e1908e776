using System.Xml;
using Hospes.Domains.Configuration;
using static Hospes.Domains.Xml.DomainXmlWriter;

namespace Hospes.Domains.Xml;

/// <summary>Reads and writes <c>filesystem</c>, <c>watchdog</c>, <c>vsock</c> and <c>memoryBacking</c>.</summary>
internal static class GuestServiceXml
{
    public static WatchdogConfig Watchdog(XmlScope device)
    {
        string? model = device.Word("model", "i6300esb", "ib700", "diag288", "itco");
        if (model is null) device.Missing("model");
        DeviceXml.Place(device);
        return new WatchdogConfig(model ?? "", device.Word("action", "reset", "shutdown", "poweroff", "pause", "none", "dump", "inject-nmi") ?? "reset", DeviceXml.Alias(device));
    }

    public static VsockConfig Vsock(XmlScope device)
    {
        string? model = device.Word("model", "virtio", "virtio-transitional", "virtio-non-transitional");
        if (model == "virtio-transitional") device.Unsupported($"devices of the model '{model}' are not supported by this machine");
        DeviceXml.Place(device);
        XmlScope? cid = device.Child("cid");
        uint? address = cid?.Number("address", VsockConfig.FirstAddress, uint.MaxValue - 1);
        bool chooses = cid?.YesNo("auto") ?? address is null;
        return new VsockConfig(chooses, chooses ? null : address, DeviceXml.Alias(device));
    }

    public static FilesystemConfig Filesystem(XmlScope device)
    {
        string type = device.Word("type", "mount", "template", "file", "block", "ram", "bind", "volume") ?? "mount";
        if (type != "mount") device.Unsupported($"filesystems of the type '{type}' are not supported by this machine");
        if (device.Word("accessmode", "passthrough", "mapped", "squash") is { } mode && mode != "passthrough") device.Unsupported($"the accessmode '{mode}' is not supported by this machine; there is 'passthrough'");
        _ = device.Word("model", "virtio", "virtio-non-transitional");
        foreach (string name in (ReadOnlySpan<string>)["fmode", "dmode", "multidevs"])
        {
            if (device.Attribute(name) is not null) device.Unsupported($"'{name}' of a filesystem is not supported by this machine");
        }
        if (device.Child("driver") is { } driver)
        {
            if (driver.Attribute("type") is { } kind && kind != "virtiofs") driver.Unsupported($"the filesystem driver '{kind}' is not supported by this machine; there is 'virtiofs'");
            if (driver.Number("queue") is not (null or 1024)) driver.Unsupported("queues of filesystems have 1024 places");
            if (driver.Attribute("name") is { } program && program != "virtiofs") driver.Unsupported($"the filesystem driver '{program}' is not supported by this machine");
        }
        foreach (string name in (ReadOnlySpan<string>)["binary", "idmap", "space_hard_limit", "space_soft_limit"])
        {
            if (device.Child(name) is not { } element) continue;
            element.TakeWhole();
            device.Unsupported($"<filesystem><{name}> is not supported by this machine");
        }
        string? source = device.Child("source")?.Attribute("dir"), target = device.Child("target")?.Attribute("dir");
        if (source is null) device.Invalid("missing source information for filesystem device");
        if (target is null) device.Invalid("missing target information for filesystem device");
        DeviceXml.Place(device);
        return new FilesystemConfig(source ?? "", target ?? "") { ReadOnly = device.Child("readonly") is not null, Alias = DeviceXml.Alias(device) };
    }

    public static MemoryBackingConfig? MemoryBacking(XmlScope root)
    {
        if (root.Child("memoryBacking") is not { } backing) return null;
        ulong? page = null;
        if (backing.Child("hugepages") is { } huge)
        {
            page = MemoryBackingConfig.UsualHugePageKiB;
            int pages = 0;
            foreach (XmlScope size in huge.Children("page"))
            {
                if (pages++ > 0 || size.Attribute("nodeset") is not (null or "0")) huge.Unsupported("huge pages of several sizes are not supported by this machine");
                page = Memory.KiB(size, "size");
            }
        }
        foreach (string name in (ReadOnlySpan<string>)["locked", "discard"])
        {
            if (backing.Child(name) is { } element) element.Unsupported($"<memoryBacking><{name}> is not supported by this machine");
        }
        if (backing.Child("allocation") is { } allocation)
        {
            if (allocation.Word("mode", "immediate", "ondemand") == "immediate") allocation.Unsupported("memory that is allocated at the start is not supported by this machine");
            allocation.TakeWhole();
        }
        string? source = backing.Child("source")?.Word("type", "file", "anonymous", "memfd");
        if (source == "file") backing.Unsupported("memory in files is not supported by this machine");
        return new MemoryBackingConfig(page, source, backing.Child("access")?.Word("mode", "shared", "private"), backing.Child("nosharepages") is not null);
    }

    public static void Write(XmlWriter writer, MemoryBackingConfig backing)
    {
        writer.WriteStartElement("memoryBacking");
        if (backing.HugePageKiB is { } page)
        {
            writer.WriteStartElement("hugepages");
            Element(writer, "page", ("size", Text(page)), ("unit", "KiB"));
            writer.WriteEndElement();
        }
        if (backing.IsNotMerged) Element(writer, "nosharepages");
        if (backing.Source is not null) Element(writer, "source", ("type", backing.Source));
        if (backing.Access is not null) Element(writer, "access", ("mode", backing.Access));
        writer.WriteEndElement();
    }

    /// <summary>Writes filesystems, which stand behind controllers.</summary>
    public static void WriteFilesystems(XmlWriter writer, DeviceConfig devices)
    {
        foreach (FilesystemConfig share in devices.Filesystems)
        {
            writer.WriteStartElement("filesystem");
            writer.WriteAttributeString("type", "mount");
            writer.WriteAttributeString("accessmode", "passthrough");
            Element(writer, "driver", ("type", "virtiofs"));
            Element(writer, "source", ("dir", share.Source));
            Element(writer, "target", ("dir", share.Target));
            if (share.ReadOnly) Element(writer, "readonly");
            DeviceXmlWriter.Alias(writer, share.Alias);
            writer.WriteEndElement();
        }
    }

    public static void WriteWatchdogs(XmlWriter writer, DeviceConfig devices)
    {
        foreach (WatchdogConfig watchdog in devices.Watchdogs)
        {
            writer.WriteStartElement("watchdog");
            writer.WriteAttributeString("model", watchdog.Model);
            writer.WriteAttributeString("action", watchdog.Action);
            DeviceXmlWriter.Alias(writer, watchdog.Alias);
            writer.WriteEndElement();
        }
    }

    public static void WriteVsocks(XmlWriter writer, DeviceConfig devices)
    {
        foreach (VsockConfig vsock in devices.Vsocks)
        {
            writer.WriteStartElement("vsock");
            writer.WriteAttributeString("model", "virtio");
            Element(writer, "cid", ("auto", vsock.ChoosesAddress ? "yes" : "no"), ("address", vsock.Address is { } address ? Text(address) : null));
            DeviceXmlWriter.Alias(writer, vsock.Alias);
            writer.WriteEndElement();
        }
    }
}
