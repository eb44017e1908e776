using Hospes.Hypervisor.Soft.Emit;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>
/// The guest's arithmetic flags are the host's for as long as they can be. Before anything that destroys those they go to RAX (LAHF, SETO), from
/// where they come back when an instruction needs them. So they are exact at every way out, and cost two short instructions a producer at most.
/// </summary>
internal sealed unsafe partial class Translator
{
    /// <summary>RAX has the flags from here on.</summary>
    private void Save()
    {
        if (_flags != FlagState.Host) return;
        _a.Byte(0x9F); // lahf
        _a.Byte(0x0F); // seto al
        _a.Byte(0x90);
        _a.Byte(0xC0);
        _flags = FlagState.Both;
    }

    /// <summary>The host's flags are about to be destroyed.</summary>
    private void Clobber()
    {
        Save();
        _flags = FlagState.Saved;
    }

    /// <summary>The host's flags are needed.</summary>
    private void Need()
    {
        if (_flags != FlagState.Saved) return;
        EmitRestore();
        _flags = FlagState.Both;
    }

    private void EmitRestore()
    {
        _a.Byte(0x3C); // cmp al, -127: overflows when AL is 1
        _a.Byte(0x81);
        _a.Byte(0x9E); // sahf
    }
}
