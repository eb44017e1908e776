using Hospes.Domains.Configuration;

namespace Hospes.Domains.Xml;

/// <summary>The words that stand for enumerated values in domain XML: one home for reading and writing.</summary>
public static class DomainWords
{
    private static readonly (LifecycleAction Action, string Word)[] Actions =
    [
        (LifecycleAction.Destroy, "destroy"), (LifecycleAction.Restart, "restart"), (LifecycleAction.RenameRestart, "rename-restart"),
        (LifecycleAction.Preserve, "preserve"), (LifecycleAction.CoredumpDestroy, "coredump-destroy"), (LifecycleAction.CoredumpRestart, "coredump-restart"),
    ];

    private static readonly (DomainType Type, string Word)[] Types =
        [(DomainType.Hospes, "hospes"), (DomainType.Kvm, "kvm"), (DomainType.Qemu, "qemu"), (DomainType.Test, "test")];

    /// <summary>The action of a word, or null.</summary>
    public static LifecycleAction? Action(string word)
    {
        foreach ((LifecycleAction action, string name) in Actions)
        {
            if (name == word) return action;
        }
        return null;
    }

    /// <summary>The word of an action.</summary>
    public static string Word(LifecycleAction action) => Actions[(int)action].Word;

    /// <summary>The domain type of a word, or null.</summary>
    public static DomainType? Type(string word)
    {
        foreach ((DomainType type, string name) in Types)
        {
            if (name == word) return type;
        }
        return null;
    }

    /// <summary>The word of a domain type.</summary>
    public static string Word(DomainType type) => Types[(int)type].Word;
}
