using System.Globalization;
using Hospes.Domains.Configuration;

namespace Hospes.Domains.Xml;

/// <summary>Reads what the machine is beside its devices: <c>os</c>, <c>cpu</c>, <c>features</c>, <c>clock</c>.</summary>
internal static class SystemXml
{
    public static OsConfig Os(XmlScope root)
    {
        if (root.Child("os") is not { } os)
        {
            root.Invalid("missing os element");
            return new OsConfig();
        }
        if (os.Attribute("firmware") is { } firmware) os.Unsupported($"there is no firmware '{firmware}': a kernel is booted");
        foreach (string name in (ReadOnlySpan<string>)["loader", "nvram", "bios", "smbios", "bootmenu", "acpi", "dtb", "init"])
        {
            if (os.Child(name) is not { } element) continue;
            element.TakeWhole();
            os.Unsupported($"<os><{name}> is not supported by this machine");
        }
        XmlScope? type = os.Child("type");
        if (type is null || type.Text.Length == 0)
        {
            os.Invalid("an os <type> must be specified");
            return new OsConfig();
        }
        var boot = new List<string>();
        foreach (XmlScope device in os.Children("boot"))
        {
            if (device.Word("dev", "hd", "cdrom", "network", "fd") is { } word) boot.Add(word);
            else device.Missing("dev");
        }
        return new OsConfig
        {
            Type = type.Text,
            Architecture = type.Attribute("arch") ?? HostProfile.Architecture,
            Machine = type.Attribute("machine"),
            Kernel = NotEmpty(os.ChildText("kernel")),
            Initrd = NotEmpty(os.ChildText("initrd")),
            CommandLine = NotEmpty(os.ChildText("cmdline")),
            BootDevices = [.. boot],
        };
    }

    public static CpuConfig? Cpu(XmlScope root)
    {
        if (root.Child("cpu") is not { } cpu) return null;
        var features = new List<CpuFeature>();
        foreach (XmlScope feature in cpu.Children("feature"))
        {
            string? name = feature.Attribute("name");
            if (string.IsNullOrEmpty(name)) feature.Missing("name");
            else if (features.Exists(other => other.Name == name)) feature.Invalid($"CPU feature '{name}' specified more than once");
            else features.Add(new CpuFeature(name, feature.Word("policy", "force", "require", "optional", "disable", "forbid") ?? "require"));
        }
        string? model = null;
        if (cpu.Child("model") is { } element)
        {
            _ = element.Word("fallback", "allow", "forbid");
            model = NotEmpty(element.Text);
        }
        CpuTopology? topology = null;
        if (cpu.Child("topology") is { } shape)
        {
            topology = new CpuTopology(Count(shape, "sockets", true), Count(shape, "dies", false), Count(shape, "cores", true), Count(shape, "threads", true));
        }
        return new CpuConfig
        {
            Mode = cpu.Word("mode", "custom", "host-model", "host-passthrough", "maximum"),
            Match = cpu.Word("match", "minimum", "exact", "strict"),
            Check = cpu.Word("check", "none", "partial", "full"),
            Migratable = cpu.OnOff("migratable"),
            Model = model,
            Topology = topology,
            Features = [.. features],
        };
    }

    public static ValueList<FeatureConfig> Features(XmlScope root)
    {
        if (root.Child("features") is not { } features) return [];
        var found = new List<FeatureConfig>();
        foreach (XmlScope feature in features.Children())
        {
            string name = feature.Node.Name;
            if (name is "acpi" or "apic" or "pae")
            {
                if (name == "apic") _ = feature.OnOff("eoi");
                if (!found.Exists(other => other.Name == name)) found.Add(new FeatureConfig(name, name == "pae" ? feature.Word("state", "on", "off") : null));
            }
            else
            {
                feature.TakeWhole();
                features.Unsupported($"the feature '{name}' is not supported by this machine");
            }
        }
        return [.. found];
    }

    public static ClockConfig Clock(XmlScope root)
    {
        if (root.Child("clock") is not { } clock) return new ClockConfig();
        string offset = clock.Word("offset", "utc", "localtime", "timezone", "variable", "absolute") ?? "utc";
        if (offset == "absolute") clock.Unsupported("a clock with an absolute start is not supported by this machine");
        string? zone = clock.Attribute("timezone");
        if (offset == "timezone" && zone is null) clock.Invalid("missing 'timezone' attribute for clock with offset='timezone'");
        long adjustment = 0;
        if (clock.Attribute("adjustment") is { } text && text != "reset" && !long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out adjustment))
            clock.Invalid("adjustment", text);
        var timers = new List<TimerConfig>();
        foreach (XmlScope timer in clock.Children("timer"))
        {
            string? name = timer.Word("name", "platform", "hpet", "kvmclock", "hypervclock", "pit", "rtc", "tsc", "armvtimer");
            if (name is null) timer.Missing("name");
            else timers.Add(new TimerConfig(name, timer.YesNo("present"), timer.Word("tickpolicy", "delay", "catchup", "merge", "discard")));
        }
        string? basis = clock.Word("basis", "utc", "localtime");
        return new ClockConfig
        {
            Offset = offset,
            TimeZone = offset == "timezone" ? zone : null,
            Adjustment = offset == "variable" ? adjustment : 0,
            Basis = offset == "variable" ? basis ?? "utc" : null,
            Timers = [.. timers],
        };
    }

    private static int Count(XmlScope topology, string name, bool required)
    {
        uint? count = topology.Number(name, 1, 16384);
        if (count is null && required) topology.Missing(name);
        return (int)(count ?? 1);
    }

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
