using Hospes.Domains.Configuration;

namespace Hospes.Domains.Xml;

/// <summary>What a document says, and what in it nobody understood.</summary>
/// <param name="Config">The configuration, without defaults.</param>
/// <param name="Unknown">The paths of elements and attributes that no domain has. libvirt drops them, unless validation is asked for.</param>
public sealed record ParsedDomain(DomainConfig Config, ValueList<string> Unknown);

/// <summary>The first phase: from the text of a domain's XML (libvirt's <c>formatdomain</c>) to what it says. Fills in nothing, and asks no host.</summary>
public static class DomainXmlReader
{
    /// <summary>Reads a document.</summary>
    /// <param name="text">The document, of a stranger.</param>
    /// <param name="strict">Whether what no domain has is an error (<see cref="DomainError.UnknownXml"/>) rather than left out and told of.</param>
    public static Outcome<ParsedDomain> Read(string text, bool strict = false)
    {
        Outcome<XmlNode> tree = XmlTree.Read(text);
        if (tree.Failure is { } malformed) return malformed;
        if (tree.Value.Name != "domain" || tree.Value.Namespace.Length != 0) return new DomainFailure(DomainError.InvalidXml, $"unexpected root element <{tree.Value.Name}>, expecting <domain>");
        var faults = new XmlFaults();
        var root = new XmlScope(tree.Value, faults);
        DomainConfig config = Domain(root);
        if (faults.First is { } fault) return fault;
        var unknown = new List<string>();
        root.ReportUnknown(unknown);
        if (strict && unknown.Count > 0) return new DomainFailure(DomainError.UnknownXml, $"Did not expect {unknown[0]}");
        return new ParsedDomain(config, [.. unknown]);
    }

    private static DomainConfig Domain(XmlScope root)
    {
        // A running domain's document carries its id, which says nothing about what it is to be.
        _ = root.Attribute("id");
        DomainType type = Type(root);
        string name = root.ChildText("name") ?? "";
        ulong memory = root.Child("memory") is { } amount ? Memory.KiB(amount) : 0;
        Refuse(root);
        return new DomainConfig
        {
            Type = type,
            Name = name,
            Uuid = Uuid(root),
            Title = root.ChildText("title"),
            Description = root.Child("description")?.Node.Text,
            Metadata = Metadata(root),
            MemoryKiB = memory,
            CurrentMemoryKiB = root.Child("currentMemory") is { } current ? Memory.KiB(current) : 0,
            MemoryBacking = GuestServiceXml.MemoryBacking(root),
            Vcpus = Vcpus(root),
            CpuTune = CpuTuneXml.Read(root),
            Os = SystemXml.Os(root),
            Cpu = SystemXml.Cpu(root),
            Features = SystemXml.Features(root),
            Clock = SystemXml.Clock(root),
            IsConfined = IsConfined(root),
            OnPowerOff = Action(root, "on_poweroff", LifecycleAction.Destroy),
            OnReboot = Action(root, "on_reboot", LifecycleAction.Restart),
            OnCrash = Action(root, "on_crash", LifecycleAction.Destroy),
            Devices = root.Child("devices") is { } devices ? DeviceXml.Read(devices) : new DeviceConfig(),
        };
    }

    private static DomainType Type(XmlScope root)
    {
        string? word = root.Attribute("type");
        if (word is null) root.Missing("type");
        else if (DomainWords.Type(word) is { } type) return type;
        else root.Invalid("type", word);
        return DomainType.Hospes;
    }

    internal static Guid Uuid(XmlScope root)
    {
        if (root.ChildText("uuid") is not { } text) return Guid.Empty;
        // libvirt takes hyphens anywhere between bytes; what people write has them in the usual places or not at all.
        if (Guid.TryParseExact(text, "D", out Guid uuid) || Guid.TryParseExact(text, "N", out uuid)) return uuid;
        root.Invalid($"malformed uuid element '{text}'");
        return Guid.Empty;
    }

    private static ValueList<XmlNode> Metadata(XmlScope root)
    {
        if (root.Child("metadata") is not { } metadata) return [];
        metadata.TakeWhole();
        var kept = new List<XmlNode>();
        var seen = new HashSet<string>();
        foreach (XmlNode element in metadata.Node.Children)
        {
            // One element per namespace, and none without: the first stays (formatdomain, "General metadata").
            if (element.Namespace.Length > 0 && seen.Add(element.Namespace)) kept.Add(element);
        }
        return [.. kept];
    }

    private static VcpuConfig Vcpus(XmlScope root)
    {
        if (root.Child("vcpu") is not { } vcpu) return new VcpuConfig();
        int maximum = (int)vcpu.TextNumber(1, 16384);
        int current = (int)(vcpu.Number("current", 1, 16384) ?? 0);
        if (current > maximum) vcpu.Invalid($"maxvcpus must not be less than current vcpus ({maximum} < {current})");
        return new VcpuConfig { Maximum = maximum, Current = current, CpuSet = CpuTuneXml.Processors(vcpu), AutoPlacement = vcpu.Word("placement", "static", "auto") == "auto" };
    }

    /// <summary>The one label there is says whether there is one.</summary>
    private static bool IsConfined(XmlScope root)
    {
        bool confined = true;
        foreach (XmlScope label in root.Children("seclabel"))
        {
            string type = label.Word("type", "dynamic", "static", "none") ?? "dynamic";
            string? model = label.Attribute("model");
            label.TakeWhole();
            if (model is not (null or HostProfile.SecurityModel)) label.Unsupported($"security labels of the model '{model}' are not supported by this host");
            else if (type == "static") label.Unsupported($"security labels of the type 'static' are not supported by this host");
            if (type == "none") confined = false;
        }
        return confined;
    }

    private static LifecycleAction Action(XmlScope root, string name, LifecycleAction otherwise)
    {
        if (root.Child(name) is not { } element) return otherwise;
        if (DomainWords.Action(element.Text) is { } action) return action;
        element.Invalid($"unknown {name} action: {element.Text}");
        return otherwise;
    }

    /// <summary>Elements that libvirt has, that would change what the guest is, and that this machine cannot give: dropping them in silence would be a lie.</summary>
    private static void Refuse(XmlScope root)
    {
        foreach (string name in (ReadOnlySpan<string>)["launchSecurity", "iothreads", "maxMemory", "numatune", "idmap", "sysinfo", "bootloader", "perf", "resource"])
        {
            if (root.Child(name) is not { } element) continue;
            element.TakeWhole();
            root.Unsupported($"<{name}> is not supported by this machine");
        }
        if (root.Node.Children.FirstOrDefault(static child => child.Namespace.Length != 0) is { } foreign)
            root.Unsupported($"<{foreign.Prefix}:{foreign.Name}> passes arguments to another hypervisor");
    }
}
