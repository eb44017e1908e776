using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using Hospes.Cli.CommandLine;
using Hospes.Display;
using Hospes.Machine;
using Hospes.Network;
using Hospes.Virtio;
using Hospes.Virtio.FileSystem;
using Hospes.Vmm.CommandLine;

namespace Hospes.Cli.Run;

/// <summary>The options of <c>hospes run</c> that give the guest devices.</summary>
internal sealed class DeviceArguments
{
    private const int LargestSide = 16384;

    private const string Help = "see 'hospes run --help'";

    private readonly Option<string[]> _disks = Repeated("--disk", "PATH[,OPTION…]",
        "Give the guest a disk (virtio-blk); may be given again. Options: format=raw or qcow2, readonly, serial=TEXT (up to 20 letters), queues=N, " + LimitArguments.Help);

    private readonly Option<string[]> _discs = Repeated("--cdrom", "FILE",
        "Put a disc (a raw image, such as an ISO) into a CD-ROM drive of the guest's (virtio-scsi); may be given again. none: an empty drive. QMP's blockdev-change-medium changes discs.");

    private readonly Option<string[]> _networks = Repeated("--net", "KIND[,OPTION…]",
        "Give the guest a network card (virtio-net); may be given again. KIND: user (through passt; hostfwd=tcp:ADDRESS:PORT-:GUESTPORT may be given again), "
            + "tap=NAME, stream=PATH (a Unix socket that someone listens on; with listen, this side does), udp=ADDRESS:PORT with local=ADDRESS:PORT, or none. "
            + "Options: mac=ADDRESS, mtu=BYTES, queues=N, " + LimitArguments.Help);

    private readonly Option<bool> _entropy = OptionValue.Switch("--rng", "Give the guest a source of entropy (virtio-rng).");

    private readonly Option<bool> _balloon = OptionValue.Switch(
        "--balloon", "Give the guest a memory balloon (virtio-balloon): memory that it does not use goes back to the host, and QMP's balloon takes more.");

    private readonly Option<string?> _vsock = OptionValue.Create(
        "--vsock", "PATH[,cid=N]",
        "Give the guest sockets to the host (virtio-vsock): a program that connects to the Unix socket PATH and says CONNECT PORT in a line gets to that port of the guest; "
            + "what the guest opens to port N of the host (address 2) leads to the Unix socket PATH_N. cid: the guest's address, 3 when absent.",
        (string text, out string? value) =>
        {
            value = text;
            return TryVsock(text, out _) ? null : "is no path, or cid is no number from 3 to 4294967294";
        });

    private readonly Option<string[]> _shares = Repeated("--share", "FOLDER[:TAG][,ro]",
        "Let the guest use a folder of the host (virtio-fs), no root needed; may be given again. Linux mounts it with 'mount -t virtiofs TAG /mnt'; "
            + "TAG is the folder's own name when absent. ro: nothing in it can change.");

    private readonly Option<bool> _input = OptionValue.Switch("--input", "Give the guest a keyboard and a tablet (virtio-input), which QMP's send-key and input-send-event use.");

    private readonly Option<(int Width, int Height)?> _screen = OptionValue.Create(
        "--screen", "WIDTHxHEIGHT", "Give the guest a graphics adapter (virtio-gpu) with a screen of that size, a keyboard and a tablet; QMP's screendump writes what is to be seen.",
        (string text, out (int Width, int Height)? value) =>
        {
            string[] sides = text.Split('x');
            int width = 0, height = 0;
            bool isSize = sides.Length == 2 && TryCount(sides[0], LargestSide, out width) && TryCount(sides[1], LargestSide, out height) && Math.Min(width, height) >= Screen.LeastSide;
            value = isSize ? (width, height) : null;
            return isSize ? null : $"is no size such as 1280x800, from {Screen.LeastSide} to {LargestSide} each";
        });

    private readonly Option<string?> _vnc = OptionValue.Create(
        "--vnc", "HOST:DISPLAY|unix:PATH", "Show the guest's screen to VNC clients at the port 5900 + DISPLAY, without HOST on the loopback, or on a Unix socket. Means --screen 1280x800 when that is absent.",
        (string text, out string? value) =>
        {
            value = text;
            return VncPlace.Parse(text) is null ? "is neither HOST:DISPLAY nor unix:PATH" : null;
        });

    private readonly Option<string?> _vncPassword = OptionValue.Text("--vnc-password-file", "FILE", "Let VNC clients in only with the password in the first line of FILE, of which eight bytes count.");

    private readonly Option<bool> _panic = OptionValue.Switch("--panic-device", "Give the guest a PCI device by which its kernel tells of its panic (pvpanic-pci).");

    private readonly Option<int?> _ports = OptionValue.Create(
        "--hotplug", "N", "Give the machine N root ports (port1, port2…), 1 to 16, into which QMP's device_add plugs devices while the guest runs.",
        (string text, out int? value) =>
        {
            bool isCount = TryCount(text, 16, out int count);
            value = count;
            return isCount ? null : "is no number from 1 to 16";
        });

    private readonly Option<string?> _console = OptionValue.Create(
        "--console", "KIND", "What the keyboard is typed into: serial (the default), or virtio, a console beside the serial port (hvc0 in Linux).",
        (string text, out string? value) =>
        {
            value = text;
            return text is "serial" or "virtio" ? null : "is neither serial nor virtio";
        });

    /// <summary>The options, for the command.</summary>
    public IEnumerable<Option> Options => [_disks, _discs, _networks, _console, _entropy, _balloon, _vsock, _shares, _input, _screen, _vnc, _vncPassword, _panic, _ports];

    /// <summary>Reads them.</summary>
    public Outcome<IReadOnlyList<DeviceOptions>> Read(ParseResult result)
    {
        var devices = new List<DeviceOptions>();
        foreach (string disk in result.GetValue(_disks) ?? [])
        {
            if (!ReadDisk(disk).Succeeded(out DeviceOptions? device, out Failure? failure)) return failure;
            // The names by which QMP asks for them.
            string name = $"disk{devices.Count}";
            devices.Add((DiskOptions)device with { Id = name, Drive = name });
        }
        if (result.GetValue(_discs) is { Length: > 0 } discs)
        {
            if (discs.Length > ScsiDevice.MostUnits || discs.Contains("")) return Bad("--cdrom", string.Join(' ', discs), $"names no file, or more than {ScsiDevice.MostUnits}");
            devices.Add(new ScsiOptions { Id = "scsi0", Units = [.. discs.Select(ReadDisc)] });
        }
        foreach (string network in result.GetValue(_networks) ?? [])
        {
            if (network == "none") continue;
            if (!ReadNetwork(network).Succeeded(out DeviceOptions? device, out Failure? failure)) return failure;
            int number = devices.Count(static other => other is NetworkOptions);
            devices.Add((NetworkOptions)device with { Id = $"nic{number}", Backend = $"net{number}" });
        }
        if (result.GetValue(_console) == "virtio") devices.Add(new ConsoleOptions());
        if (result.GetValue(_entropy)) devices.Add(new EntropyOptions());
        if (result.GetValue(_balloon)) devices.Add(new BalloonOptions { Id = "balloon0", ReportsFreePages = true, DeflatesOnOom = true });
        if (result.GetValue(_vsock) is { } sockets && TryVsock(sockets, out VsockOptions vsock)) devices.Add(vsock);
        foreach (string text in result.GetValue(_shares) ?? [])
        {
            if (!ReadShare(text).Succeeded(out ShareOptions? share, out Failure? failure)) return failure;
            devices.Add(share with { Id = $"share{devices.Count(static other => other is ShareOptions)}" });
        }
        (int Width, int Height)? screen = result.GetValue(_screen) ?? (result.GetValue(_vnc) is null ? null : (new GpuOptions().Width, new GpuOptions().Height));
        if (screen is var (width, height)) devices.Add(new GpuOptions { Id = "video0", Width = width, Height = height });
        if (screen is not null || result.GetValue(_input)) devices.AddRange([new InputOptions(IsTablet: false) { Id = "keyboard0" }, new InputOptions(IsTablet: true) { Id = "tablet0" }]);
        if (result.GetValue(_panic)) devices.Add(new PanicNoticeOptions { Id = "panic0" });
        for (int port = 1; port <= (result.GetValue(_ports) ?? 0); port++) devices.Add(new RootPortOptions { Id = $"port{port}" });
        return devices;
    }

    /// <summary>Reads how the screen is to be shown.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="settings">How; null for not at all.</param>
    /// <returns>Null, or what is wrong.</returns>
    public Failure? ReadVnc(ParseResult result, out VncSettings? settings)
    {
        string? place = result.GetValue(_vnc), file = result.GetValue(_vncPassword);
        settings = place is null ? null : new VncSettings(place, WantsPassword: file is not null);
        if (file is null) return null;
        if (settings is null) return new Failure(FailureKind.Arguments, "--vnc-password-file needs --vnc", Help);
        try
        {
            using StreamReader reader = File.OpenText(file);
            settings = settings with { Password = reader.ReadLine() ?? "" };
            return null;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return new Failure(FailureKind.File, $"--vnc-password-file '{file}': {refused.Message.TrimEnd('.')}", "name a file that can be read");
        }
    }

    private static Option<string[]> Repeated(string name, string placeholder, string description) => new(name)
    {
        HelpName = placeholder,
        Description = description,
        AllowMultipleArgumentsPerToken = false,
        Arity = ArgumentArity.OneOrMore,
    };

    private static Outcome<DeviceOptions> ReadDisk(string text)
    {
        string[] parts = text.Split(',');
        var disk = new DiskOptions(parts[0]);
        if (parts[0].Length == 0) return Bad("--disk", text, "names no file");
        var limits = new LimitArguments();
        foreach (string part in parts[1..])
        {
            (string name, string value) = Split(part);
            switch (name)
            {
                case "format" when value is "raw" or "qcow2":
                    disk = disk with { Format = value };
                    break;
                case "readonly" when value is "" or "on" or "off":
                    disk = disk with { IsReadOnly = value != "off" };
                    break;
                case "serial" when value.Length is > 0 and <= 20 && value.All(char.IsAscii):
                    disk = disk with { Serial = value };
                    break;
                case "queues" when TryCount(value, 16, out int queues):
                    disk = disk with { Queues = queues };
                    break;
                case var _ when limits.TryTake(name, value):
                    break;
                default:
                    return Bad("--disk", text, $"has '{part}', which is no option of a disk");
            }
        }
        return limits.Contradiction is { } error ? Bad("--disk", text, error) : disk with { Limits = limits.Limits };
    }

    private static ScsiUnitOptions ReadDisc(string file, int number)
    {
        var disc = new DiskOptions(file == "none" ? "" : file) { Id = $"cd{number}", Drive = $"cd{number}", Format = "raw", IsReadOnly = true };
        return new ScsiUnitOptions(disc) { IsDrive = true, Target = number };
    }

    private static Outcome<DeviceOptions> ReadNetwork(string text)
    {
        string[] parts = text.Split(',');
        (string kind, string target) = Split(parts[0]);
        var forwards = new List<PortForward>();
        bool listens = false;
        IPEndPoint? local = null, remote = null;
        PhysicalAddress? mac = null;
        int pairs = 1;
        int? mtu = null;
        var limits = new LimitArguments();
        foreach (string part in parts[1..])
        {
            (string name, string value) = Split(part);
            bool known = (kind, name) switch
            {
                ("user", "hostfwd") => PortForward.TryParse(value) is { } forward && Add(forwards, forward),
                ("stream", "listen") => value.Length == 0 && (listens = true),
                ("udp", "local") => IPEndPoint.TryParse(value, out local) && local.Port != 0,
                (_, "mac") => PhysicalAddress.TryParse(value, out mac) && mac.GetAddressBytes() is { Length: 6 } bytes && (bytes[0] & 1) == 0,
                (_, "mtu") => TryCount(value, 65535, out int size) && size >= 68 && (mtu = size) > 0,
                (_, "queues") => TryCount(value, 16, out pairs),
                _ => limits.TryTake(name, value),
            };
            if (!known) return Bad("--net", text, $"has '{part}', which is no option of such a network");
        }
        NetworkOptions? network = kind switch
        {
            "user" when target.Length == 0 => new UserNetworkOptions { Forwards = forwards },
            "tap" when target.Length is > 0 and < 16 => new TapNetworkOptions(target),
            "stream" when target.Length > 0 => new StreamNetworkOptions(target, listens),
            "udp" when IPEndPoint.TryParse(target, out remote) && remote.Port != 0 && local is not null => new DatagramNetworkOptions(local, remote),
            _ => null,
        };
        if (network is null) return Bad("--net", text, "is none of user, tap=NAME, stream=PATH, udp=ADDRESS:PORT,local=ADDRESS:PORT and none");
        return limits.Contradiction is { } error ? Bad("--net", text, error) : network with { Mac = mac, Mtu = mtu, Pairs = pairs, Limits = limits.Limits };
    }

    private static Outcome<ShareOptions> ReadShare(string text)
    {
        const string Fixed = ",ro";
        bool isReadOnly = text.EndsWith(Fixed, StringComparison.Ordinal);
        string rest = isReadOnly ? text[..^Fixed.Length] : text;
        // A colon that is not the tag's belongs to the folder: then a tag has to be given.
        int at = rest.LastIndexOf(':');
        string path = at < 0 ? rest : rest[..at];
        if (path.Length == 0) return Bad("--share", text, "names no folder");
        string tag = at < 0 ? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))) : rest[(at + 1)..];
        return FileSystemDevice.IsTag(tag) && !tag.Contains('/', StringComparison.Ordinal) ? new ShareOptions(path, tag) { IsReadOnly = isReadOnly }
            : Bad("--share", text, "has no tag of 1 to 36 bytes without '/' behind its last ':'");
    }

    private static bool Add(List<PortForward> forwards, PortForward forward)
    {
        forwards.Add(forward);
        return true;
    }

    private static bool TryVsock(string text, out VsockOptions options)
    {
        string[] parts = text.Split(",cid=");
        options = new VsockOptions(parts[0]) { Id = "vsock0" };
        if (parts.Length == 1) return parts[0].Length > 0;
        bool isGood = parts.Length == 2 && uint.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint cid) && cid is >= 3 and < uint.MaxValue;
        if (isGood) options = options with { GuestCid = uint.Parse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture) };
        return isGood && parts[0].Length > 0;
    }

    private static bool TryCount(string text, int most, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count >= 1 && count <= most;

    private static (string Name, string Value) Split(string part)
    {
        int at = part.IndexOf('=');
        return at < 0 ? (part, "") : (part[..at], part[(at + 1)..]);
    }

    private static Failure Bad(string option, string text, string what) => new(FailureKind.Arguments, $"{option} '{text}' {what}", Help);
}
