using Hospes.Domains.Configuration;
using Hospes.Domains.Xml;
using static Hospes.Domains.Drivers.VmmArguments;

namespace Hospes.Domains.Drivers;

/// <summary>Screens, keyboards and pointers on the command line of <c>hospes vmm</c>, and where people find them while a domain runs.</summary>
internal static class ScreenArguments
{
    private const string Loopback = "127.0.0.1", SocketName = "vnc.sock";

    /// <summary>Settles where each screen is seen.</summary>
    /// <param name="config">The domain.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="choose">Chooses a port at an address.</param>
    /// <returns>The domain with what was chosen, or a failure if no port is free.</returns>
    public static Outcome<DomainConfig> Place(DomainConfig config, string folder, Func<string, int?> choose)
    {
        var placed = new List<GraphicsConfig>();
        foreach (GraphicsConfig graphics in config.Devices.Graphics)
        {
            if (graphics.IsSocket)
            {
                placed.Add(graphics with { Socket = graphics.Socket ?? Path.Combine(folder, SocketName) });
                continue;
            }
            string address = graphics.Address ?? Loopback;
            if ((graphics.Port ?? choose(address)) is not { } port) return new DomainFailure(DomainError.OperationFailed, "Unable to find an unused port in range 'VNC'");
            placed.Add(graphics with { Address = address, Port = port });
        }
        return config with { Devices = config.Devices with { Graphics = [.. placed] } };
    }

    /// <summary>Adds them to a line.</summary>
    public static void Add(List<string> line, DeviceConfig devices)
    {
        foreach (VideoConfig video in devices.Videos.Where(static video => video.IsThere))
        {
            string size = $"{(video.Width is { } width ? $",xres={Text(width)}" : "")}{(video.Height is { } height ? $",yres={Text(height)}" : "")}";
            line.AddRange(["-device", $"virtio-gpu-pci,id={video.Alias},max_outputs={Text(video.Heads)}{size}"]);
        }
        foreach (InputConfig input in devices.Inputs) line.AddRange(["-device", $"virtio-{input.Type}-pci,id={input.Alias}"]);
        foreach (GraphicsConfig graphics in devices.Graphics)
        {
            string place = graphics.IsSocket ? $"unix:{Escape(graphics.Socket!)}" : $"{Host(graphics.Address!)}:{Text(graphics.Port!.Value - GraphicsConfig.FirstPort)}";
            line.AddRange(["-vnc", place + (graphics.Password is null ? "" : ",password=on")]);
        }
    }

    private static string Host(string address) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;

    private static string Text(int number) => DomainXmlWriter.Text(number);
}
