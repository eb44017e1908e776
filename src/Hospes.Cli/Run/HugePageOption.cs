using System.CommandLine;
using Hospes.Cli.CommandLine;
using Hospes.Hypervisor;

namespace Hospes.Cli.Run;

/// <summary><c>--huge-pages</c>.</summary>
internal static class HugePageOption
{
    private const string Name = "--huge-pages";

    /// <summary>Makes the option; <see cref="HugePages.None"/> when it is absent.</summary>
    public static Option<HugePages> Create() => new(Name)
    {
        HelpName = "2M|1G",
        Description = "Take the guest's memory from the host's pool of huge pages: of that size only, so that the guest does not start where the pool has too few; without a size as far as the pool reaches.",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = result =>
        {
            if (result.Tokens.Count == 0) return HugePages.Preferred;
            string text = result.Tokens[0].Value;
            if (text is not ("2M" or "1G")) result.AddError($"{OptionValue.Mark}{Name} '{text}' is neither 2M nor 1G");
            return text == "1G" ? HugePages.Size1G : HugePages.Size2M;
        },
        DefaultValueFactory = static _ => HugePages.None,
    };
}
