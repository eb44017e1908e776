namespace Hospes.Domains.Configuration;

/// <summary>A keyboard or pointer.</summary>
/// <param name="Type"><c>keyboard</c> or <c>tablet</c>.</param>
/// <param name="Bus">Its bus: <c>virtio</c>; null until defaults are applied.</param>
/// <param name="Alias">The name of the device, or null.</param>
public sealed record InputConfig(string Type, string? Bus = null, string? Alias = null);

/// <summary>Where people from outside see the first screen: the element <c>graphics</c> of the type <c>vnc</c>.</summary>
public sealed record GraphicsConfig
{
    /// <summary>The first port of the protocol: that of display 0.</summary>
    public const int FirstPort = 5900;

    /// <summary>The most characters of a password that count (RFC 6143, 7.2.2).</summary>
    public const int LongestPassword = 8;

    /// <summary>Whether it listens on a Unix socket rather than at a TCP port.</summary>
    public bool IsSocket { get; init; }

    /// <summary>The path of the socket; null to have one in the domain's folder.</summary>
    public string? Socket { get; init; }

    /// <summary>The address at which it listens; null for the loopback.</summary>
    public string? Address { get; init; }

    /// <summary>The port, <see cref="FirstPort"/> or more; null while none is chosen.</summary>
    public int? Port { get; init; }

    /// <summary>Whether the port is chosen anew at each start.</summary>
    public bool ChoosesPort { get; init; }

    /// <summary>What clients have to know, or null. Documents have it only for those who may see secrets.</summary>
    public string? Password { get; init; }
}

/// <summary>A graphics adapter.</summary>
/// <param name="Model"><c>virtio</c>, or <c>none</c> for a domain that is to have no adapter; null until defaults are applied.</param>
public sealed record VideoConfig(string? Model)
{
    /// <summary>How many screens it has, 1 to <see cref="MostHeads"/>.</summary>
    public int Heads { get; init; } = 1;

    /// <summary>The width that the guest is asked for, in pixels, or null.</summary>
    public int? Width { get; init; }

    /// <summary>The height that the guest is asked for, in pixels, or null.</summary>
    public int? Height { get; init; }

    /// <summary>The name of the device, or null.</summary>
    public string? Alias { get; init; }

    /// <summary>The most screens of one adapter (virtio 1.2, 5.7.6.8, VIRTIO_GPU_MAX_SCANOUTS).</summary>
    public const int MostHeads = 16;

    /// <summary>The least and the most pixels of a side.</summary>
    public const int LeastSide = 16, MostSide = 16384;

    /// <summary>Whether there is a device.</summary>
    public bool IsThere => Model != "none";
}

/// <summary>What a screen brings along (formatdomain, "Graphical framebuffers" and "Video devices"), and what of screens a machine cannot be.</summary>
internal static class ScreenRules
{
    private const string Virtio = "virtio", Keyboard = "keyboard", Tablet = "tablet";

    /// <summary>Fills in what is left open: who listens to people gets an adapter to show, and what they type and point with.</summary>
    public static DeviceConfig Complete(DeviceConfig devices)
    {
        if (devices is { Inputs.Count: 0, Videos.Count: 0, Graphics.Count: 0 }) return devices;
        ValueList<InputConfig> inputs = [.. devices.Inputs.Select(static input => input with { Bus = input.Bus ?? Virtio })];
        ValueList<VideoConfig> videos = [.. devices.Videos.Select(static video => video with { Model = video.Model ?? Virtio })];
        if (devices.Graphics.Count > 0)
        {
            foreach (string type in (ReadOnlySpan<string>)[Tablet, Keyboard])
            {
                if (!inputs.Any(input => input.Type == type)) inputs = [.. inputs, new InputConfig(type, Virtio)];
            }
            if (videos.Count == 0) videos = [new VideoConfig(Virtio)];
        }
        return devices with { Inputs = inputs, Videos = videos };
    }

    /// <summary>The first thing that is wrong, or null.</summary>
    public static DomainFailure? Check(DeviceConfig devices)
    {
        foreach (InputConfig input in devices.Inputs)
        {
            if (input.Type is not (Keyboard or Tablet)) return Unsupported($"the input device '{input.Type}' is not supported by this machine; there are '{Keyboard}' and '{Tablet}'");
            if (input.Bus != Virtio) return Unsupported($"the input bus '{input.Bus}' is not supported by this machine; there is '{Virtio}'");
        }
        if (devices.Videos.Count > 1) return Unsupported("this machine has one graphics adapter");
        foreach (VideoConfig video in devices.Videos)
        {
            if (video.Model is not (Virtio or "none")) return Unsupported($"the video model '{video.Model}' is not supported by this machine; there is '{Virtio}'");
        }
        if (devices.Graphics.Count > 1) return Unsupported("only 1 graphics device of each type (sdl, vnc, spice, headless, dbus) is supported");
        return devices.Graphics.Select(Check).FirstOrDefault();
    }

    private static DomainFailure? Check(GraphicsConfig graphics)
    {
        if (graphics.Port is < GraphicsConfig.FirstPort or > ushort.MaxValue) return Unsupported($"vnc port must be in range [{GraphicsConfig.FirstPort},{ushort.MaxValue}]");
        if (graphics.Address is { } address && address != "localhost" && !System.Net.IPAddress.TryParse(address, out _)) return Unsupported($"'{address}' is no address at which a machine can listen");
        if (graphics.Socket is { } path && (path.Contains('\0', StringComparison.Ordinal) || !Path.IsPathRooted(path))) return new DomainFailure(DomainError.InvalidXml, $"the path '{path}' is not absolute");
        if (graphics.Password is { Length: > GraphicsConfig.LongestPassword } password)
            return Unsupported($"VNC password is {password.Length} characters long, only {GraphicsConfig.LongestPassword} permitted");
        return null;
    }

    private static DomainFailure Unsupported(string detail) => new(DomainError.UnsupportedConfiguration, detail);
}
