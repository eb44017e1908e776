using Hospes.Domains.Configuration;

namespace Hospes.Domains.Xml;

/// <summary>Reads serial ports, consoles and channels, which share their sources.</summary>
internal static class CharacterXml
{
    public static CharacterConfig Read(XmlScope device)
    {
        string? type = device.Attribute("type");
        if (type is null) type = "pty";
        // A running console's document repeats its terminal here.
        _ = device.Attribute("tty");
        if (type is not ("pty" or "unix" or "file" or "tcp" or "null"))
        {
            foreach (XmlScope part in device.Children()) part.TakeWhole();
            device.Unsupported($"character devices of the type '{type}' are not supported by this machine");
            return new CharacterConfig { Type = "null" };
        }
        XmlScope? source = device.Child("source");
        string? path = source?.Attribute("path");
        string? mode = source?.Word("mode", "bind", "connect");
        if (source?.Child("reconnect") is { } reconnect)
        {
            reconnect.TakeWhole();
            device.Unsupported("reconnecting character devices are not supported");
        }
        if (device.Child("protocol")?.Word("type", "raw", "telnet", "telnets", "tls") is { } protocol && protocol != "raw") device.Unsupported($"the protocol '{protocol}' is not supported");
        if (device.Child("log") is { } log)
        {
            log.TakeWhole();
            device.Unsupported("logs of character devices are not supported");
        }
        if (type == "file" && path is null) device.Invalid("Missing source path attribute for char device");
        if (type == "tcp" && (source?.Attribute("host") is null || source.Attribute("service") is null)) device.Invalid("Missing source host or service attribute for char device");
        XmlScope? target = device.Child("target");
        if (device.Child("address") is { } address) address.TakeWhole();
        bool channel = device.Node.Name == "channel";
        string? targetType = target?.Attribute("type");
        if (channel && target is null) device.Invalid("missing target for channel device");
        if (channel && targetType is not (null or "virtio")) device.Unsupported($"channels of the type '{targetType}' are not supported by this machine");
        _ = channel ? target?.Attribute("state") : null;
        return new CharacterConfig
        {
            Type = type,
            Path = path,
            Listens = type is "unix" or "tcp" && mode != "connect" && (type == "unix" || mode == "bind"),
            Host = type == "tcp" ? source?.Attribute("host") : null,
            Service = type == "tcp" ? source?.Attribute("service") : null,
            Append = source?.OnOff("append"),
            TargetType = targetType,
            TargetModel = target?.Child("model")?.Attribute("name"),
            Port = target?.Number("port"),
            TargetName = target?.Attribute("name"),
            Alias = DeviceXml.Alias(device),
        };
    }
}
