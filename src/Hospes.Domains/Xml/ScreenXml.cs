using System.Globalization;
using System.Xml;
using Hospes.Domains.Configuration;
using static Hospes.Domains.Xml.DomainXmlWriter;

namespace Hospes.Domains.Xml;

/// <summary>Reads and writes what people see a guest with: <c>input</c>, <c>graphics</c>, <c>video</c>.</summary>
internal static class ScreenXml
{
    private const string AddressWord = "address", SocketWord = "socket", AutoPort = "-1";

    public static InputConfig Input(XmlScope device)
    {
        string? type = device.Word("type", "keyboard", "mouse", "tablet", "passthrough", "evdev");
        if (type is null) device.Missing("type");
        string? bus = device.Word("bus", "virtio", "usb", "ps2", "xen", "none");
        if (device.Word("model", "virtio", "virtio-transitional", "virtio-non-transitional") is "virtio-transitional") device.Unsupported("devices of the model 'virtio-transitional' are not supported by this machine");
        if (device.Child("source") is { } source) source.TakeWhole();
        DeviceXml.Place(device);
        return new InputConfig(type ?? "", bus, DeviceXml.Alias(device));
    }

    public static GraphicsConfig Graphics(XmlScope device)
    {
        string? type = device.Attribute("type");
        if (type is null) device.Missing("type");
        if (type != "vnc")
        {
            device.TakeWhole();
            device.Unsupported($"graphics of the type '{type}' are not supported by this machine; there is 'vnc'");
            return new GraphicsConfig();
        }
        foreach ((string name, string usual) in (ReadOnlySpan<(string, string)>)[("keymap", "en-us"), ("sharePolicy", "allow-exclusive"), ("powerControl", "no"), ("connected", "keep")])
        {
            if (device.Attribute(name) is { } value && value != usual) device.Unsupported($"'{name}' of graphics is '{usual}' with this machine, not '{value}'");
        }
        foreach (string name in (ReadOnlySpan<string>)["websocket", "passwdValidTo"])
        {
            if (device.Attribute(name) is not null) device.Unsupported($"'{name}' of graphics is not supported by this machine");
        }
        (int? port, bool chooses) = Port(device);
        string? address = device.Attribute("listen"), socket = device.Attribute(SocketWord);
        bool isSocket = socket is not null;
        foreach (XmlScope listen in device.Children("listen"))
        {
            string kind = listen.Word("type", AddressWord, SocketWord, "network", "none") ?? AddressWord;
            string? where = listen.Attribute(AddressWord), path = listen.Attribute(SocketWord);
            if (kind is not (AddressWord or SocketWord)) listen.Unsupported($"to listen at the type '{kind}' is not supported by this machine");
            if (kind == AddressWord && address is not null && where is not null && where != address)
                listen.Invalid($"graphics 'listen' attribute '{address}' must match 'address' attribute of first listen element (found '{where}')");
            if (kind == SocketWord && socket is not null && path is not null && path != socket)
                listen.Invalid($"graphics 'socket' attribute '{socket}' must match 'socket' attribute of first listen element (found '{path}')");
            listen.TakeWhole();
            isSocket |= kind == SocketWord;
            address ??= where;
            socket ??= path;
        }
        string? password = device.Attribute("passwd");
        return isSocket
            ? new GraphicsConfig { IsSocket = true, Socket = NotEmpty(socket), Password = password }
            : new GraphicsConfig { Address = NotEmpty(address), Port = port, ChoosesPort = chooses, Password = password };
    }

    public static VideoConfig Video(XmlScope device)
    {
        if (device.Child("driver") is { } driver)
        {
            string? name = driver.Attribute("name");
            driver.TakeWhole();
            if (name is not (null or "qemu")) driver.Unsupported($"the video driver '{name}' is not supported by this machine");
        }
        DeviceXml.Place(device);
        string? alias = DeviceXml.Alias(device);
        if (device.Child("model") is not { } model) return new VideoConfig((string?)null) { Alias = alias };
        string? type = model.Attribute("type");
        if (type is null) model.Missing("type");
        _ = model.YesNo("primary");
        if (model.OnOff("blob") is true) model.Unsupported("'blob' of a video model is not supported by this machine");
        if (model.Child("acceleration") is { } acceleration)
        {
            if (acceleration.YesNo("accel3d") is true || acceleration.YesNo("accel2d") is true) acceleration.Unsupported("accelerated video is not supported by this machine");
        }
        XmlScope? resolution = model.Child("resolution");
        if (type is not ("virtio" or "none")) model.TakeWhole();
        return new VideoConfig(type ?? "virtio")
        {
            Heads = (int)(model.Number("heads", 1, VideoConfig.MostHeads) ?? 1),
            Width = (int?)resolution?.Number("x", VideoConfig.LeastSide, VideoConfig.MostSide),
            Height = (int?)resolution?.Number("y", VideoConfig.LeastSide, VideoConfig.MostSide),
            Alias = alias,
        };
    }

    public static void Write(XmlWriter writer, DeviceConfig devices, bool secrets)
    {
        foreach (InputConfig input in devices.Inputs)
        {
            writer.WriteStartElement("input");
            writer.WriteAttributeString("type", input.Type);
            Attribute(writer, "bus", input.Bus);
            DeviceXmlWriter.Alias(writer, input.Alias);
            writer.WriteEndElement();
        }
        foreach (GraphicsConfig graphics in devices.Graphics) Write(writer, graphics, secrets);
        foreach (VideoConfig video in devices.Videos) Write(writer, video);
    }

    private static void Write(XmlWriter writer, GraphicsConfig graphics, bool secrets)
    {
        writer.WriteStartElement("graphics");
        writer.WriteAttributeString("type", "vnc");
        if (graphics.IsSocket) Attribute(writer, SocketWord, graphics.Socket);
        else
        {
            writer.WriteAttributeString("port", graphics.Port is { } port ? Text(port) : AutoPort);
            writer.WriteAttributeString("autoport", graphics.ChoosesPort ? "yes" : "no");
            Attribute(writer, "listen", graphics.Address);
        }
        if (secrets) Attribute(writer, "passwd", graphics.Password);
        Element(writer, "listen", ("type", graphics.IsSocket ? SocketWord : AddressWord), (AddressWord, graphics.Address), (SocketWord, graphics.Socket));
        writer.WriteEndElement();
    }

    private static void Write(XmlWriter writer, VideoConfig video)
    {
        writer.WriteStartElement("video");
        writer.WriteStartElement("model");
        Attribute(writer, "type", video.Model);
        if (video.IsThere)
        {
            writer.WriteAttributeString("heads", Text(video.Heads));
            writer.WriteAttributeString("primary", "yes");
            if (video.Width is not null || video.Height is not null)
                Element(writer, "resolution", ("x", video.Width is { } width ? Text(width) : null), ("y", video.Height is { } height ? Text(height) : null));
        }
        writer.WriteEndElement();
        DeviceXmlWriter.Alias(writer, video.Alias);
        writer.WriteEndElement();
    }

    /// <summary>The port, which is chosen where the document gives none, -1, or says so; one that was chosen for an earlier run does not count.</summary>
    private static (int? Port, bool Chooses) Port(XmlScope device)
    {
        string? text = device.Attribute("port");
        bool chooses = device.YesNo("autoport") ?? text is null or AutoPort;
        if (text is null or AutoPort or "0" || chooses) return (null, true);
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port)) return (port, false);
        device.Invalid($"cannot parse vnc port {text}");
        return (null, true);
    }

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
