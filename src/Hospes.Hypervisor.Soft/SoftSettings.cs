namespace Hospes.Hypervisor.Soft;

/// <summary>How code of the guest is executed.</summary>
internal enum Translation
{
    /// <summary>Translated once it is hot, interpreted before.</summary>
    On,

    /// <summary>Interpreted only.</summary>
    Off,

    /// <summary>Translated at once, for tests.</summary>
    Always,

    /// <summary>Translated, and every stretch compared with the interpreter; for one vCPU.</summary>
    Lockstep,
}

/// <summary>The software engine's own settings.</summary>
/// <param name="Translation">What <c>translate</c> says.</param>
/// <param name="Profile">The file that <c>profile</c> names: where the translator's profile goes when the guest ends; null for none.</param>
internal sealed record SoftSettings(Translation Translation, string? Profile = null)
{
    /// <summary>How often a block is interpreted before it is translated.</summary>
    public int Threshold => Translation switch
    {
        // A trace costs about as much to make as this many passes of the interpreter over it.
        Translation.On => 24,
        // So that it is known where branches through registers go.
        Translation.Lockstep => 2,
        _ => 1,
    };

    /// <summary>Whether traces take up blocks that were never executed.</summary>
    public bool IsEager => Translation is not Translation.On;

    /// <summary>Reads the settings of a guest. False when one is unknown.</summary>
    public static bool TryParse(IReadOnlyDictionary<string, string> settings, out SoftSettings parsed)
    {
        Translation translation = Translation.On;
        string? profile = null;
        parsed = new SoftSettings(translation);
        foreach ((string name, string value) in settings)
        {
            if (name == "profile" && value.Length > 0)
            {
                profile = value;
                continue;
            }
            if (name != "translate") return false;
            switch (value)
            {
                case "on": translation = Translation.On; break;
                case "off": translation = Translation.Off; break;
                case "always": translation = Translation.Always; break;
                case "lockstep": translation = Translation.Lockstep; break;
                default: return false;
            }
        }
        parsed = new SoftSettings(translation, profile);
        return true;
    }
}
