using Hospes.Cli.Native;
using Shouldly;

namespace Hospes.Cli.Tests.Native;

public sealed class CodePagesTests
{
    private const string Text = """
        00405000-0184d000 r-xp 00005000 fd:00 5512 /usr/bin/hospes
        Size:              20768 kB
        Rss:                9184 kB
        Private_Clean:      9184 kB
        Anonymous:             0 kB
        Swap:                  0 kB
        VmFlags: rd ex mr mw me
        0240d000-02a53000 rw-p 0200c000 fd:00 5512 /usr/bin/hospes
        Anonymous:             0 kB
        Swap:                  0 kB
        7f8c8b000000-7f8c8b100000 r-xp 00000000 00:00 0
        Anonymous:             0 kB
        Swap:                  0 kB
        7f8c8b200000-7f8c8b300000 r-xs 00000000 00:01 77 /memfd:doublemapper (deleted)
        Anonymous:             0 kB
        Swap:                  0 kB
        7f8c8ca95000-7f8c8cbeb000 r-xp 00026000 fd:00 12 /usr/lib/with a name: and more/libc.so.6
        Anonymous:             4 kB
        Swap:                  0 kB
        7f8c8cc61000-7f8c8ccd5000 r-xp 00010000 fd:00 13 /usr/lib/with a name: and more/libm.so.6
        Anonymous:             0 kB
        Swap:                  0 kB
        7f8c8cd00000-7f8c8cd04000 r-xp 00010000 fd:00 14 /usr/lib/swapped.so
        Anonymous:             0 kB
        Swap:                  4 kB
        7ffdcf5d7000-7ffdcf5d9000 r-xp 00000000 00:00 0 [vdso]
        Anonymous:             0 kB
        Swap:                  0 kB
        """;

    [Fact]
    public void CodeOfFilesThatNobodyWroteIsLetGo()
    {
        (nint, nint)[] code = [(0x405000, 0x184d000 - 0x405000), (unchecked((nint)0x7f8c8cc61000), 0x74000)];
        CodePages.Clean(Text.Split('\n')).ToArray().ShouldBeEquivalentTo(code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Anonymous: 0 kB\nSwap: 0 kB")]
    [InlineData("xyz-zyx r-xp 0 0 0 /bin/sh\nAnonymous: 0 kB\nSwap: 0 kB")]
    [InlineData("400000-401000 r-xp 0 0 0 /bin/sh")]
    [InlineData("-\n:\n- :\n400000- r-xp 0 0 0 /bin/sh\nAnonymous: 0 kB\nSwap: 0 kB")]
    public void WhatIsNoMappingIsNone(string text) => CodePages.Clean(text.Split('\n')).ShouldBeEmpty();

    [Fact]
    public void TheProcessGoesOnWithoutThem()
    {
        CodePages.Release();
        CodePages.Clean(File.ReadLines("/proc/self/smaps")).ShouldNotBeEmpty();
    }
}
