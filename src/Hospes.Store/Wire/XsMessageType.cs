namespace Hospes.Store.Wire;

/// <summary>Message types of the XenStore protocol (xenstore.txt, "Defined Xenstore message types").</summary>
public enum XsMessageType : uint
{
    /// <summary>A control command for the server itself (also known as DEBUG). Privileged.</summary>
    Control = 0,
    /// <summary>List the names of a node's children.</summary>
    Directory = 1,
    /// <summary>Read a node's value.</summary>
    Read = 2,
    /// <summary>Read a node's permissions.</summary>
    GetPermissions = 3,
    /// <summary>Set a watch.</summary>
    Watch = 4,
    /// <summary>Remove a watch.</summary>
    Unwatch = 5,
    /// <summary>Start a transaction.</summary>
    TransactionStart = 6,
    /// <summary>Commit or discard a transaction.</summary>
    TransactionEnd = 7,
    /// <summary>Start talking to a domain. Privileged.</summary>
    Introduce = 8,
    /// <summary>Stop talking to a domain. Privileged.</summary>
    Release = 9,
    /// <summary>Ask for a domain's base path.</summary>
    GetDomainPath = 10,
    /// <summary>Write a node's value, creating it and its parents where missing.</summary>
    Write = 11,
    /// <summary>Create a node, and its parents, where missing.</summary>
    MakeDirectory = 12,
    /// <summary>Remove a node and everything below it.</summary>
    Remove = 13,
    /// <summary>Replace a node's permissions.</summary>
    SetPermissions = 14,
    /// <summary>A watch fired. Sent by the server only.</summary>
    WatchEvent = 15,
    /// <summary>A request failed. Sent by the server only.</summary>
    Error = 16,
    /// <summary>Ask whether a domain is introduced. Privileged.</summary>
    IsDomainIntroduced = 17,
    /// <summary>Arm the release event of a domain again. Privileged.</summary>
    Resume = 18,
    /// <summary>Give one domain the rights of another. Privileged.</summary>
    SetTarget = 19,
    /// <summary>Removed from the protocol; always refused.</summary>
    Restrict = 20,
    /// <summary>Drop every watch and transaction of the caller.</summary>
    ResetWatches = 21,
    /// <summary>List a part of a node's children.</summary>
    DirectoryPart = 22,
    /// <summary>Read the features offered to a domain.</summary>
    GetFeature = 23,
    /// <summary>Set the features offered to a domain. Privileged.</summary>
    SetFeature = 24,
    /// <summary>Read quota values. Privileged.</summary>
    GetQuota = 25,
    /// <summary>Set quota values. Privileged.</summary>
    SetQuota = 26,
}
